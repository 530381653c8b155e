//! Storage that fails, and power that does, under the real schema and the real commands: whatever was answered
//! is there, nothing is half there, nothing panics, and what is left agrees with itself.
//!
//! The short runs here are parts of the campaigns `make faults` and `make crash-images`. Everything follows from a
//! seed, which is printed; `AGENTMAP_SEED` brings another, or the same again.

#[path = "../support/disk.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod disk;
#[path = "../model/governing.rs"]
mod governing;
#[path = "../model/history.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod history;
#[path = "../support/random.rs"]
mod random;

mod damage;
mod images;
mod operations;
mod workload;
