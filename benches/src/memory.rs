use std::fs;

/// The most memory that this process has had at once, in bytes, where Linux tells it.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_test_takes_some_memory() {
        assert!(super::peak_memory_bytes().unwrap() > 1 << 20);
    }
}
