//! The program itself, as a process: killed, stopped, refused its file or its port, and seeded while it serves.

mod acts;
mod answered;
mod backup;
mod budgets;
mod client;
#[path = "../support/closing.rs"]
mod closing;
mod damage;
mod export;
mod faults;
mod guard;
mod kill;
mod load;
mod places;
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod process;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod program;
#[path = "../support/random.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod random;
#[path = "../support/receiver.rs"]
#[allow(dead_code, reason = "each of those who share it needs a part of it")]
mod receiver;
mod refusals;
mod released;
mod retention;
mod seeding;
mod service;
mod signals;
mod tampering;
mod tls;
mod tokens;
mod trail;
#[path = "../verifier/mod.rs"]
mod verifier;
mod webhooks;
