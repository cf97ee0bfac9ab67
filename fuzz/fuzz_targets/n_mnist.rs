//! N-MNIST's recordings.
#![no_main]

use std::path::Path;

use block_data::formats::n_mnist::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode(bytes, Path::new("a"));
});
