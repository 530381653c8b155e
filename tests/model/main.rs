//! The domain as a whole, under random histories of commands: the same history gives the same bytes, every
//! figure equals a fold over the raw records, every list equals a naive filter, and what is damaged is found.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of a test are small"
)]

mod activity;
#[path = "../support/closing.rs"]
mod closing;
mod decisions;
mod figures;
mod governing;
mod history;
mod lists;
mod migrations;
mod open_minute;
mod replay;
mod retention;
mod tampering;
mod world;
