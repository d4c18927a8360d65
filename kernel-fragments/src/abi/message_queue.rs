//! POSIX message queues (include/uapi/linux/mqueue.h, include/linux/ipc_namespace.h): `struct mq_attr`, and the limits of a
//! system that nobody configured.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Priorities are below this (MQ_PRIO_MAX).
pub const PRIORITIES: u32 = 32768;
/// How many messages a queue holds, and how many bytes each, if that is not said, and most without CAP_SYS_RESOURCE.
pub const DEFAULT_MESSAGES: u64 = 10;
/// See [`DEFAULT_MESSAGES`].
pub const DEFAULT_MESSAGE_BYTES: u64 = 8192;
/// How many at most (HARD_MSGMAX, HARD_MSGSIZEMAX).
pub const MOST_MESSAGES: u64 = 65536;
/// See [`MOST_MESSAGES`].
pub const MOST_MESSAGE_BYTES: u64 = 16 << 20;
/// How many queues there are at most without CAP_SYS_RESOURCE.
pub const MOST_QUEUES: usize = 256;
/// What RLIMIT_MSGQUEUE counts for each message beside its bytes (struct msg_msg), and for each priority (struct posix_msg_tree_node).
pub const MESSAGE_OVERHEAD_BYTES: u64 = 48 + 48;
/// Bytes of a queue's file, which says how full it is (ipc/mqueue.c, FILENT_SIZE).
pub const QUEUE_FILE_BYTES: u64 = 80;

/// The number of the file system of queues.
pub const QUEUE_DEVICE: u64 = 19;

/// Bytes of `struct mq_attr`.
const ATTRIBUTES_BYTES: usize = 64;

/// `struct mq_attr` but for what is reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueAttributes {
    /// O_NONBLOCK of the descriptor, or not.
    pub flags: i64,
    /// How many messages the queue holds.
    pub most_messages: i64,
    /// How many bytes each of them may have.
    pub most_bytes: i64,
    /// How many messages there are.
    pub messages: i64,
}

impl QueueAttributes {
    /// The structure at `address`; EFAULT.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<QueueAttributes, Errno> {
        memory.slice(address, ATTRIBUTES_BYTES)?;
        let word = |index: usize| memory.read_u64(address.add(8 * index)).map(u64::cast_signed);
        Ok(QueueAttributes { flags: word(0)?, most_messages: word(1)?, most_bytes: word(2)?, messages: word(3)? })
    }

    /// Stores the structure at `address`; EFAULT.
    pub fn write(&self, memory: &mut impl UserMemory, address: UserAddress) -> Result<(), Errno> {
        let words = [self.flags, self.most_messages, self.most_bytes, self.messages, 0, 0, 0, 0];
        memory.write_words(address, words.map(i64::cast_unsigned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn round_trip() {
        let mut memory = FakeMemory::new(ATTRIBUTES_BYTES);
        let at = memory.address(0);
        let attributes = QueueAttributes { flags: 0o4000, most_messages: -1, most_bytes: 7, messages: 3 };
        assert_eq!(attributes.write(&mut memory, at), Ok(()));
        assert_eq!(QueueAttributes::read(&memory, at), Ok(attributes));
        assert_eq!(QueueAttributes::read(&memory, at.add(1)), Err(Errno::EFAULT));
        assert_eq!(attributes.write(&mut memory, at.add(1)), Err(Errno::EFAULT));
    }
}
