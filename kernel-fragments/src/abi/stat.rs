//! `struct stat` of riscv64 (include/uapi/asm-generic/stat.h), and what is known of a file.

/// The bits of a mode that say what kind of file it is.
pub const S_IFMT: u32 = 0o17_0000;
/// A pipe.
pub const S_IFIFO: u32 = 0o1_0000;
/// A character device.
pub const S_IFCHR: u32 = 0o2_0000;
/// A directory.
pub const S_IFDIR: u32 = 0o4_0000;
/// A block device.
pub const S_IFBLK: u32 = 0o6_0000;
/// A regular file.
pub const S_IFREG: u32 = 0o10_0000;
/// A symbolic link.
pub const S_IFLNK: u32 = 0o12_0000;
/// A socket.
pub const S_IFSOCK: u32 = 0o14_0000;

/// The number of the file system of files without a name or contents.
pub const ANONYMOUS_DEVICE: u64 = 14;

/// Words of the structure.
pub const STAT_WORDS: usize = 16;

/// What `stat(2)` and `statx(2)` tell about a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stat {
    /// The file system's number.
    pub device: u64,
    /// The file's number in it.
    pub inode: u64,
    /// Kind and permission bits.
    pub mode: u32,
    /// Number of names.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// For a device: which one.
    pub represented_device: u64,
    /// Length.
    pub size_bytes: u64,
    /// Units of 512 bytes that its contents take.
    pub blocks: u64,
    /// Last read, last write, last change of anything: nanoseconds since the Unix epoch.
    pub access_time_ns: i64,
    /// See `access_time_ns`.
    pub modify_time_ns: i64,
    /// See `access_time_ns`.
    pub change_time_ns: i64,
}

/// The transfer size that every file advises (st_blksize).
pub const PREFERRED_TRANSFER_BYTES: u32 = 4096;

const NS_PER_S: i64 = 1_000_000_000;

impl Stat {
    /// The structure as it lies in the program's memory.
    pub fn encode(&self) -> [u64; STAT_WORDS] {
        let mut words = [0; STAT_WORDS];
        words[0] = self.device;
        words[1] = self.inode;
        words[2] = u64::from(self.mode) | u64::from(self.links) << 32;
        words[3] = u64::from(self.uid) | u64::from(self.gid) << 32;
        words[4] = self.represented_device;
        words[6] = self.size_bytes;
        words[7] = u64::from(PREFERRED_TRANSFER_BYTES);
        words[8] = self.blocks;
        words[9] = seconds(self.access_time_ns);
        words[10] = nanoseconds(self.access_time_ns);
        words[11] = seconds(self.modify_time_ns);
        words[12] = nanoseconds(self.modify_time_ns);
        words[13] = seconds(self.change_time_ns);
        words[14] = nanoseconds(self.change_time_ns);
        words
    }
}

/// The whole seconds of a time, rounded down, as a `tv_sec` field.
pub fn seconds(time_ns: i64) -> u64 {
    time_ns.div_euclid(NS_PER_S) as u64
}

/// What [`seconds`] leaves, as a `tv_nsec` field.
pub fn nanoseconds(time_ns: i64) -> u64 {
    time_ns.rem_euclid(NS_PER_S) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets as `offsetof` gives them with the riscv64 headers.
    #[test]
    fn fields_lie_where_the_header_puts_them() {
        let stat = Stat { mode: 0x11, links: 2, size_bytes: 7, blocks: 3, change_time_ns: -1, ..Stat::default() };
        let words = stat.encode();
        assert_eq!(words[2], 2 << 32 | 0x11);
        assert_eq!((words[6], words[7], words[8]), (7, 4096, 3));
        assert_eq!((words[13], words[14]), (u64::MAX, 999_999_999));
    }
}
