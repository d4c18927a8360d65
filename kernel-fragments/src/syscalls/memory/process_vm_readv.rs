//! `process_vm_readv(2)`: <https://man7.org/linux/man-pages/man2/process_vm_readv.2.html>. Supported: the process itself; not
//! supported: others. Errors: EINVAL, EFAULT, ESRCH.

use crate::errno::SysResult;
use crate::subsystems::own_memory::move_bytes;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(270 => process_vm_readv);

/// Copies what lies in the buffers of process `pid` that are listed at `others` to those that are listed at `own`; returns
/// how many bytes.
pub fn process_vm_readv(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    pid: i32,
    own: UserAddress,
    own_count: u64,
    others: UserAddress,
    other_count: u64,
    flags: u64,
) -> SysResult {
    move_bytes(memory, thread, pid, ((own, own_count), (others, other_count)), flags, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::{Errno, Refusal};
    use crate::testing::FakeMemory;
    use crate::thread::PROCESS_ID;

    const OWN: i32 = PROCESS_ID as i32;

    /// Lists the buffers at `offset`.
    fn list(memory: &mut FakeMemory, offset: usize, buffers: &[(UserAddress, u64)]) -> (UserAddress, u64) {
        let words: Vec<u8> =
            buffers.iter().flat_map(|(at, len_bytes)| [at.0 as u64, *len_bytes]).flat_map(u64::to_le_bytes).collect();
        (memory.put(offset, &words), buffers.len() as u64)
    }

    #[test]
    fn copies_as_far_as_there_is_memory() {
        let (mut memory, mut thread) = (FakeMemory::new(0x2000), Thread::first());
        memory.put(0x1000, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let at = |offset| memory.address(offset);
        let (source, target, end) = (at(0x1000), at(0x1800), memory.end());
        let short = list(&mut memory, 0, &[(target, 2), (UserAddress(8), 0), (target.add(8), 4)]);
        let long = list(&mut memory, 0x100, &[(source, 3), (source.add(5), 90)]);
        let bad = list(&mut memory, 0x200, &[(source, 3), (UserAddress(8), 3)]);
        let edge = list(&mut memory, 0x300, &[(UserAddress(end.0 - 2), 9)]);
        let none = list(&mut memory, 0x400, &[(UserAddress(8), 0)]);
        let nowhere = list(&mut memory, 0x500, &[(UserAddress(8), 3)]);
        let mut read = |memory: &mut FakeMemory, pid, own: (UserAddress, u64), others: (UserAddress, u64), flags| {
            process_vm_readv(memory, &mut thread, pid, own.0, own.1, others.0, others.1, flags)
        };
        assert_eq!(read(&mut memory, OWN, short, long, 0), Ok(6));
        assert_eq!((memory.bytes(0x1800, 2), memory.bytes(0x1808, 4)), (&[1, 2][..], &[3, 6, 7, 8][..]));
        assert_eq!(read(&mut memory, OWN, short, bad, 0), Ok(3), "up to what is no memory");
        assert_eq!(read(&mut memory, OWN, long, edge, 0), Ok(2));
        assert_eq!(read(&mut memory, OWN, edge, long, 0), Ok(2));
        assert_eq!((read(&mut memory, 9, none, long, 0), read(&mut memory, 9, long, none, 0)), (Ok(0), Ok(0)));
        assert_eq!(read(&mut memory, OWN, short, nowhere, 0), Err(Errno::EFAULT.into()));
        assert_eq!(read(&mut memory, OWN, short, (UserAddress(8), 1), 0), Err(Errno::EFAULT.into()));
        assert_eq!(read(&mut memory, OWN, short, (short.0, 1025), 0), Err(Errno::EINVAL.into()));
        assert_eq!(read(&mut memory, OWN, short, long, 1), Err(Errno::EINVAL.into()));
        assert_eq!(read(&mut memory, -1, short, long, 0), Err(Errno::ESRCH.into()));
        assert!(matches!(read(&mut memory, 1, short, long, 0), Err(Refusal::Unsupported(_))));
    }
}
