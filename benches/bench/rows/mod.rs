//! The rows of the table.

pub mod beside;
pub mod disk;
pub mod fill;
pub mod hook;
pub mod reads;
pub mod start;
pub mod stream;
pub mod writes;
