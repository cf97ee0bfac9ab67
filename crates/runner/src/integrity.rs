//! A checksum inside a safetensors file, so that a changed bit anywhere in it is noticed.
//!
//! The file's metadata has, under `checksum`, the SHA-256 of the whole file in hexadecimal, taken with zeros in the
//! checksum's own place.

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

/// The name in the metadata.
pub(crate) const KEY: &str = "checksum";
/// What stands there until the checksum is known.
pub(crate) const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Puts the checksum in the place of [`BLANK`].
///
/// # Errors
///
/// If that is not in the header.
pub(crate) fn stamp(bytes: &mut [u8]) -> anyhow::Result<()> {
    let (at, sum) = sum(bytes, BLANK)?;
    bytes[at..at + sum.len()].copy_from_slice(sum.as_bytes());
    Ok(())
}

/// Compares the checksum that the metadata has with the file's.
///
/// # Errors
///
/// If they differ.
pub(crate) fn verify(bytes: &[u8], found: &str) -> anyhow::Result<()> {
    if found.len() != BLANK.len() || sum(bytes, found)?.1 != found {
        bail!("its content does not have its checksum: the file was changed or damaged");
    }
    Ok(())
}

/// Where the header has a checksum, and that of the file without it.
fn sum(bytes: &[u8], written: &str) -> anyhow::Result<(usize, String)> {
    let length = bytes.first_chunk().context("it has no header")?;
    let end = (u64::from_le_bytes(*length) as usize).saturating_add(8);
    let header = &bytes[..end.min(bytes.len())];
    let mut places = header.windows(written.len());
    let at = places.position(|place| place == written.as_bytes());
    let at = at.context("its header has no checksum")?;
    let mut digest = Sha256::new();
    digest.update(&bytes[..at]);
    digest.update(BLANK);
    digest.update(&bytes[at + written.len()..]);
    let hex = digest
        .finalize()
        .into_iter()
        .map(|byte| format!("{byte:02x}"));
    Ok((at, hex.collect()))
}
