//! N-MNIST's recordings.
#![no_main]

use std::path::Path;

use block_data::encode::decode_n_mnist;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_n_mnist(bytes, Path::new("a"));
});
