//! Identity files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentmap::fuzzing::identity(bytes));
