//! The memory that new work can have, where Linux tells it.

use std::fs;
use std::path::Path;

/// Memory that is left, and of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes that new work can have at this moment.
    pub left: u64,
    /// Bytes that there are, if nothing else takes any.
    pub total: u64,
    /// What sets the limit.
    pub limit: &'static str,
}

impl Room {
    /// The least of what the machine, the process's control groups and its own limit leave.
    pub(crate) fn now() -> Option<Self> {
        let rooms = rooms();
        rooms.into_iter().min_by_key(|room| room.left)
    }
}

fn rooms() -> Vec<Room> {
    const MEMINFO: &str = "/proc/meminfo";
    let machine = proc_bytes(MEMINFO, "MemAvailable").zip(proc_bytes(MEMINFO, "MemTotal"));
    let groups = fs::read_to_string("/proc/self/cgroup").ok();
    let groups = groups.and_then(|groups| of_groups(&groups, Path::new("/sys/fs/cgroup")));
    let own = fs::read_to_string("/proc/self/limits").ok();
    let own = own.and_then(|limits| of_process(&limits, proc_bytes(STATUS, "VmSize")?));
    let rooms = [
        (machine, "this machine"),
        (groups, "the memory limit of the control group"),
        (own, "the limit of the address space (ulimit -v)"),
    ];
    let rooms = rooms.into_iter();
    let rooms = rooms.filter_map(|(bytes, limit)| {
        let (left, total) = bytes?;
        Some(Room { left, total, limit })
    });
    rooms.collect()
}

/// The memory that new work can have without swapping, in bytes, where Linux tells it: what the machine has left, or
/// less where a control group or the process's own limit says so.
pub fn available_memory_bytes() -> Option<u64> {
    Room::now().map(|room| room.left)
}

/// The same if nothing else took any memory: it does not depend on the moment.
pub(crate) fn memory_bytes() -> Option<u64> {
    rooms().iter().map(|room| room.total).min()
}

/// The most memory that this process has had at once, in bytes, where Linux tells it.
pub fn peak_memory_bytes() -> Option<u64> {
    proc_bytes(STATUS, "VmHWM")
}

const STATUS: &str = "/proc/self/status";

/// What the control groups leave, and of how much, that the lines of `/proc/self/cgroup` name; those of version 1 have a folder for each
/// controller.
fn of_groups(lines: &str, root: &Path) -> Option<(u64, u64)> {
    let groups = lines.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let path = path.trim_start_matches('/');
        match controllers {
            "" => Some((root.to_path_buf(), path, VERSION_2)),
            _ => {
                let memory = controllers.split(',').any(|name| name == "memory");
                memory.then(|| (root.join("memory"), path, VERSION_1))
            }
        }
    });
    groups
        .filter_map(|(root, path, names)| {
            // A limit may be any ancestor's. In a container the path is not always there, but its root is.
            let folder = root.join(path);
            let folders = folder.ancestors().take_while(|one| one.starts_with(&root));
            folders.filter_map(|one| of_group(one, names)).min()
        })
        .min()
}

/// The files of a group: limit, use, and the key of what can be given back.
type Names = [&'static str; 3];
const VERSION_1: Names = [
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
];
const VERSION_2: Names = ["memory.max", "memory.current", "inactive_file"];

fn of_group(folder: &Path, [limit, used, inactive]: Names) -> Option<(u64, u64)> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    // Without a limit, version 2 says `max` and version 1 a number beyond any memory.
    let (limit, used) = (number(limit)?, number(used)?);
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == inactive).then(|| value.trim().parse::<u64>().ok())?
    });
    let used = used.saturating_sub(cached.unwrap_or(0));
    Some((limit.saturating_sub(used), limit))
}

/// What a process that has so much address space may still take, and of how much, from the lines of `/proc/self/limits`.
fn of_process(limits: &str, taken: u64) -> Option<(u64, u64)> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"));
    let limit: u64 = line?.split_whitespace().next()?.parse().ok()?;
    Some((limit.saturating_sub(taken), limit))
}

fn proc_bytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        for (name, content) in files {
            fs::write(folder.join(name), content).unwrap();
        }
    }

    #[test]
    fn the_closest_limit_of_a_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let line = "0::/batch/job\n";
        assert_eq!(of_groups(line, root), None);
        let used = ("memory.current", "600\n");
        write(&root.join("batch/job"), &[("memory.max", "max\n"), used]);
        assert_eq!(of_groups(line, root), None);
        let cached = ("memory.stat", "anon 100\ninactive_file 200\n");
        write(
            &root.join("batch"),
            &[("memory.max", "1000\n"), used, cached],
        );
        assert_eq!(of_groups(line, root), Some((600, 1000)));
        // A group that has more than it may.
        write(&root.join("batch/job"), &[("memory.max", "500\n")]);
        assert_eq!(of_groups(line, root), Some((0, 500)));
        // In a container, the root is the group's.
        let container = "3:cpu:/\n2:name=systemd:/x\n1:hugetlb,memory:/docker/7\n";
        let used = ("memory.usage_in_bytes", "100");
        write(
            &root.join("memory"),
            &[("memory.limit_in_bytes", "700"), used],
        );
        assert_eq!(of_groups(container, root), Some((600, 700)));
    }

    #[test]
    fn the_limit_of_the_address_space_counts() {
        let line =
            |limit: &str| format!("Max processes 5 5\nMax address space         {limit}  bytes\n");
        assert_eq!(of_process(&line("4096 8192"), 96), Some((4000, 4096)));
        assert_eq!(of_process(&line("unlimited unlimited"), 96), None);
    }

    #[test]
    fn this_process_has_room() {
        if cfg!(target_os = "linux") {
            let room = Room::now().unwrap();
            assert!(room.left > 0 && room.left <= room.total);
            assert!(available_memory_bytes().is_some());
            assert!(memory_bytes().unwrap() <= room.total);
            assert!(peak_memory_bytes().unwrap() > 1 << 20);
        }
    }
}
