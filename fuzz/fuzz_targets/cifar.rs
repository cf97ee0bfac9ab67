//! CIFAR-10's batches.
#![no_main]

use std::path::Path;

use block_data::formats::cifar::parse_batch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_batch(bytes, Path::new("a"), &mut Vec::new(), &mut Vec::new());
});
