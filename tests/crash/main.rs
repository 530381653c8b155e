//! The program itself, as a process: killed, stopped, refused its file or its port, and seeded while it serves.

mod client;
mod kill;
mod load;
mod process;
mod refusals;
mod seeding;
mod signals;
