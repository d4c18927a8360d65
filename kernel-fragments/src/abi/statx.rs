//! `struct statx` (include/uapi/linux/stat.h).

use crate::abi::stat::{PREFERRED_TRANSFER_BYTES, Stat, nanoseconds, seconds};

/// Words of the structure.
pub const STATX_WORDS: usize = 32;

/// The fields of `stat(2)`.
const STATX_BASIC_STATS: u32 = 0x7ff;
/// The mount's number is told.
const STATX_MNT_ID: u32 = 0x1000;
/// The one mount.
const MOUNT_ID: u64 = 1;

/// The structure as it lies in the program's memory: the fields of `stat`, and the mount, whatever was asked for.
pub fn encode(stat: &Stat) -> [u64; STATX_WORDS] {
    let mut words = [0; STATX_WORDS];
    words[0] = u64::from(STATX_BASIC_STATS | STATX_MNT_ID) | u64::from(PREFERRED_TRANSFER_BYTES) << 32;
    words[2] = u64::from(stat.links) | u64::from(stat.uid) << 32;
    words[3] = u64::from(stat.gid) | u64::from(stat.mode) << 32;
    words[4] = stat.inode;
    words[5] = stat.size_bytes;
    words[6] = stat.blocks;
    for (word, time_ns) in [(8, stat.access_time_ns), (12, stat.change_time_ns), (14, stat.modify_time_ns)] {
        words[word] = seconds(time_ns);
        words[word + 1] = nanoseconds(time_ns);
    }
    words[16] = device(stat.represented_device);
    words[17] = device(stat.device);
    words[18] = MOUNT_ID;
    words
}

/// A device number as a major and a minor field.
const fn device(number: u64) -> u64 {
    let (major, minor) = ((number >> 8) & 0xfff, number & 0xff | (number >> 12) & 0xfff00);
    major | minor << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets as `offsetof` gives them.
    #[test]
    fn fields_lie_where_the_header_puts_them() {
        let stat = Stat {
            mode: 0o100644,
            links: 2,
            uid: 3,
            gid: 4,
            inode: 5,
            size_bytes: 6,
            access_time_ns: 7,
            modify_time_ns: 8,
            change_time_ns: 9,
            represented_device: 0x103,
            ..Stat::default()
        };
        let words = encode(&stat);
        let at = |offset: usize| (words[offset / 8] >> (offset % 8 * 8)) as u32;
        assert_eq!((at(0), at(4)), (0x17ff, 4096));
        assert_eq!((at(16), at(20), at(24), at(28) & 0xffff), (2, 3, 4, 0o100644));
        assert_eq!((at(32), at(40)), (5, 6));
        assert_eq!((at(0x48), at(0x68), at(0x78)), (7, 9, 8));
        assert_eq!((at(0x80), at(0x84), at(0x90)), (1, 3, 1));
    }
}
