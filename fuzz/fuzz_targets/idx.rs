//! Files of images and of labels.
#![no_main]

use std::path::Path;

use block_data::formats::idx::{parse_images, parse_labels};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = parse_images(bytes, Path::new("a"), [28, 28]);
    let _ = parse_labels(bytes, Path::new("a"), 10);
});
