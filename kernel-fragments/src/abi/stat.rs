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

/// Bytes of the encoded structure.
pub const STAT_BYTES: usize = 128;

/// An encoded structure, aligned as in C: so it is written and copied by words.
#[repr(C, align(8))]
pub struct Encoded<const BYTES: usize>(pub [u8; BYTES]);

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
    pub fn encode(&self) -> Encoded<STAT_BYTES> {
        let mut words = [0u64; STAT_BYTES / 8];
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
        Encoded::from_words(&words)
    }
}

impl<const BYTES: usize> Encoded<BYTES> {
    /// The structure that consists of these words.
    pub fn from_words(words: &[u64]) -> Encoded<BYTES> {
        let mut encoded = Encoded([0; BYTES]);
        for (field, word) in encoded.0.chunks_exact_mut(8).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        encoded
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
        let Encoded(bytes) = stat.encode();
        assert_eq!(bytes[16..24], [0x11, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(bytes[48], 7);
        assert_eq!(bytes[56..60], [0, 0x10, 0, 0]);
        assert_eq!(bytes[64], 3);
        assert_eq!(bytes[104..112], (-1i64).to_le_bytes());
        assert_eq!(bytes[112..120], 999_999_999u64.to_le_bytes());
    }
}
