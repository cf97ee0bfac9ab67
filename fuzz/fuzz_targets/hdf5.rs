//! Files of recordings, in both layouts.
#![no_main]

use std::path::Path;

use block_data::formats::event_files::read_events_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_events_bytes(bytes.to_vec(), Path::new("a"));
});
