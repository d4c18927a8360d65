//! `rseq(2)` (Documentation/userspace-api/rseq.rst; <https://www.efficios.com/blog/2019/02/08/linux-restartable-sequences/>).
//! Supported: everything. With one hart and no preemption no sequence is ever interrupted, so what registration stores
//! never changes. Errors: EINVAL, EFAULT, EBUSY, EPERM.

use crate::errno::{Errno, SysResult};
use crate::thread::{RestartableSequences, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(293 => rseq);

const RSEQ_FLAG_UNREGISTER: u32 = 1;
/// Bytes of the first version of `struct rseq`, and what every version is aligned to.
const ORIGINAL_BYTES: u32 = 32;
/// `cpu_id` while nothing is registered.
const UNINITIALIZED: u32 = u32::MAX;

/// Registers the thread's `struct rseq` of `len_bytes` bytes at `address`, or takes it back.
pub fn rseq(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    address: UserAddress,
    len_bytes: u32,
    flags: u32,
    signature: u32,
) -> SysResult {
    let wanted = RestartableSequences { address, len_bytes, signature };
    let current = thread.restartable_sequences;
    let is_same_place = current.address == address && current.len_bytes == len_bytes;
    if flags & RSEQ_FLAG_UNREGISTER != 0 {
        if flags != RSEQ_FLAG_UNREGISTER || current.address.is_null() || !is_same_place {
            return Err(Errno::EINVAL.into());
        }
        if current.signature != signature {
            return Err(Errno::EPERM.into());
        }
        store(memory, address, UNINITIALIZED)?;
        thread.restartable_sequences = RestartableSequences::NONE;
        return Ok(0);
    }
    if flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    if !current.address.is_null() {
        let errno = match (is_same_place, current.signature == signature) {
            (false, _) => Errno::EINVAL,
            (true, false) => Errno::EPERM,
            (true, true) => Errno::EBUSY,
        };
        return Err(errno.into());
    }
    if len_bytes < ORIGINAL_BYTES || !address.0.is_multiple_of(ORIGINAL_BYTES as usize) {
        return Err(Errno::EINVAL.into());
    }
    memory.slice_mut(address, len_bytes as usize)?;
    store(memory, address, 0)?;
    thread.restartable_sequences = wanted;
    Ok(0)
}

/// Stores what the kernel tells: cpu_id_start, cpu_id, node_id, mm_cid.
fn store(memory: &mut impl UserMemory, address: UserAddress, cpu: u32) -> Result<(), Errno> {
    for (offset, value) in [(0, 0), (4, cpu), (20, 0), (24, 0)] {
        memory.write_u32(address.add(offset), value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn registers_once() {
        let (mut memory, mut thread) = (FakeMemory::new(64), Thread::first());
        let at = memory.put(0, &[9; 32]);
        let mut call = |memory: &mut FakeMemory, address, len_bytes, flags, signature| {
            rseq(memory, &mut thread, address, len_bytes, flags, signature)
        };
        assert_eq!(call(&mut memory, at, 31, 0, 5), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, at.add(4), 32, 0, 5), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, UserAddress(32), 32, 0, 5), Err(Errno::EFAULT.into()));
        assert_eq!(call(&mut memory, at, 32, 1, 5), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, at, 32, 2, 5), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, at, 32, 0, 5), Ok(0));
        assert_eq!((memory.read_u64(at), memory.read_u32(at.add(8))), (Ok(0), Ok(0x0909_0909)));
        assert_eq!(call(&mut memory, at, 32, 0, 5), Err(Errno::EBUSY.into()));
        assert_eq!(call(&mut memory, at, 32, 0, 6), Err(Errno::EPERM.into()));
        assert_eq!(call(&mut memory, at, 64, 0, 5), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, at, 32, 1, 6), Err(Errno::EPERM.into()));
        assert_eq!(call(&mut memory, at, 32, 1, 5), Ok(0));
        assert_eq!(memory.read_u32(at.add(4)), Ok(u32::MAX));
    }
}
