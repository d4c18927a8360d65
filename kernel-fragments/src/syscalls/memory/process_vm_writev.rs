//! `process_vm_writev(2)`: <https://man7.org/linux/man-pages/man2/process_vm_readv.2.html>. Supported: the process itself; not
//! supported: others. Errors: EINVAL, EFAULT, ESRCH.

use crate::errno::SysResult;
use crate::subsystems::own_memory::move_bytes;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(271 => process_vm_writev);

/// Copies what lies in the buffers that are listed at `own` to those of process `pid` that are listed at `others`; returns
/// how many bytes.
pub fn process_vm_writev(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    pid: i32,
    own: UserAddress,
    own_count: u64,
    others: UserAddress,
    other_count: u64,
    flags: u64,
) -> SysResult {
    move_bytes(memory, thread, pid, ((own, own_count), (others, other_count)), flags, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;
    use crate::thread::PROCESS_ID;

    #[test]
    fn copies_the_other_way() {
        let (mut memory, mut thread) = (FakeMemory::new(0x1000), Thread::first());
        let words = [memory.address(0x800).0 as u64, 700, memory.address(0x100).0 as u64, 700];
        let own = memory.put(0, &words.map(u64::to_le_bytes).concat());
        memory.put(0x800, &[9; 700]);
        let result = process_vm_writev(&mut memory, &mut thread, PROCESS_ID as i32, own, 1, own.add(16), 1, 0);
        assert_eq!((result, memory.bytes(0x100, 701)), (Ok(700), &[&[9; 700][..], &[0]].concat()[..]));
    }
}
