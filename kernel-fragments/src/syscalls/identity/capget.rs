//! `capget(2)`: <https://man7.org/linux/man-pages/man2/capget.2.html>. Supported: the calling thread; not supported: others. Errors:
//! EFAULT, EINVAL.

use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::capability_data::{elements, store};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(90 => capget);

/// Stores the capabilities of the thread that the header at `header` names at `data`. A null `data` asks for the
/// version, which a header of an unknown one is given.
pub fn capget(memory: &mut impl UserMemory, thread: &mut Thread, header: UserAddress, data: UserAddress) -> SysResult {
    let elements = match elements(memory, header) {
        Ok(_) | Err(Errno::EINVAL) if data.is_null() => return Ok(0),
        elements => elements?,
    };
    let tid = memory.read_u32(header.add(4))?;
    if (tid as i32) < 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid != 0 && tid != thread.tid {
        return Err(Refusal::Unsupported("the capabilities of another thread"));
    }
    let sets = thread.credentials.capabilities();
    store(memory, data, elements, [sets.effective, sets.permitted, sets.inheritable])?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn root_has_all() {
        let (mut memory, mut thread) = (FakeMemory::new(32), Thread::first());
        let mut header = |memory: &mut FakeMemory, version: i32, tid: i32| {
            memory.put(0, &[version, tid].map(i32::to_le_bytes).concat());
            memory.put(8, &[7; 24]);
            let (header, data) = (memory.address(0), memory.address(8));
            capget(memory, &mut thread, header, data)
        };
        assert_eq!(header(&mut memory, 0x2008_0522, 0), Ok(0));
        let words: [u32; 6] = core::array::from_fn(|index| memory.read_u32(memory.address(8 + 4 * index)).unwrap());
        assert_eq!(words, [u32::MAX, u32::MAX, 0, 0x1ff, 0x1ff, 0]);
        assert_eq!(header(&mut memory, 0x1998_0330, 2), Ok(0));
        assert_eq!(memory.bytes(20, 1), [7], "one element");
        assert_eq!(header(&mut memory, 0x2007_1026, -1), Err(Errno::EINVAL.into()));
        assert!(matches!(header(&mut memory, 0x2007_1026, 9), Err(Refusal::Unsupported(_))));
        assert_eq!(header(&mut memory, 5, 0), Err(Errno::EINVAL.into()));
        assert_eq!(memory.read_u32(memory.address(0)), Ok(0x2008_0522));
        let at = memory.address(0);
        assert_eq!(capget(&mut memory, &mut thread, at, UserAddress::NULL), Ok(0));
        assert_eq!(capget(&mut memory, &mut thread, UserAddress(8), at), Err(Errno::EFAULT.into()));
    }
}
