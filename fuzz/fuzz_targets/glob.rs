//! Globs of path scopes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agentmap::fuzzing::glob(bytes));
