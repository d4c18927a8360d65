//! `struct statfs` of riscv64 (include/uapi/asm-generic/statfs.h), and what is known of the few file systems there are.

use crate::abi::message_queue::QUEUE_DEVICE;
use crate::abi::stat::ANONYMOUS_DEVICE;
use crate::errno::Errno;
use crate::subsystems::node::TREE_DEVICE;
use crate::subsystems::standard_streams::PIPE_DEVICE;
use crate::user_memory::{UserAddress, UserMemory};

/// Words of the structure.
const WORDS: usize = 15;

/// Numbers of kinds of file systems (include/uapi/linux/magic.h).
const TMPFS_MAGIC: u64 = 0x0102_1994;
const PIPEFS_MAGIC: u64 = 0x5049_5045;
const ANON_INODE_FS_MAGIC: u64 = 0x0904_1934;
const MQUEUE_MAGIC: u64 = 0x1980_0202;
const SOCKFS_MAGIC: u64 = 0x534f_434b;

/// ST_VALID and ST_RELATIME.
const FLAGS: u64 = 0x1020;
const BLOCK_BYTES: u64 = 4096;
const NAME_MAX: u64 = 255;

/// Stores what is known of the file system with number `device` at `address`; EFAULT. Like tmpfs without limits, the tree says
/// 0 of how much there is and how much is free.
pub fn write_statfs(memory: &mut impl UserMemory, address: UserAddress, device: u64) -> Result<(), Errno> {
    let magic = match device {
        TREE_DEVICE => TMPFS_MAGIC,
        PIPE_DEVICE => PIPEFS_MAGIC,
        QUEUE_DEVICE => MQUEUE_MAGIC,
        ANONYMOUS_DEVICE => ANON_INODE_FS_MAGIC,
        _ => SOCKFS_MAGIC,
    };
    let mut words = [0; WORDS];
    words[0] = magic;
    words[1] = BLOCK_BYTES;
    words[8] = NAME_MAX;
    words[9] = BLOCK_BYTES;
    words[10] = FLAGS;
    memory.write_words(address, words)
}
