//! Packed files: gzip and zip.
#![no_main]

use std::path::Path;

use block_data::formats::archive::{ArchiveLimits, unpack_bytes, zip_members_of_bytes};
use libfuzzer_sys::fuzz_target;

const LIMITS: ArchiveLimits = ArchiveLimits {
    members: 10,
    member_bytes: 1 << 20,
    total_bytes: 1 << 21,
};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("a");
    let _ = unpack_bytes(bytes, path, 1 << 20, |name| name.ends_with(".h5"));
    let _ = zip_members_of_bytes(bytes, path, LIMITS, |_| true, |_, _| Ok(()));
});
