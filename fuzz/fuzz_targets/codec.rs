//! Keys and values on disk.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentmap::fuzzing::codec(bytes));
