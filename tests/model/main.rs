//! The domain as a whole, under random histories of commands: the same history gives the same bytes, every
//! figure equals a fold over the raw records, every list equals a naive filter, and what is damaged is found.

mod figures;
mod history;
mod lists;
mod replay;
mod tampering;
mod world;
