//! `capget(2)`: <https://man7.org/linux/man-pages/man2/capget.2.html>. Supported: the calling thread, which has what root
//! has; not supported: others. Errors: EFAULT, EINVAL.

use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(90 => capget);

/// include/uapi/linux/capability.h, _LINUX_CAPABILITY_VERSION_1 to _3; the first has 32 capabilities.
const VERSIONS: [u32; 3] = [0x1998_0330, 0x2007_1026, 0x2008_0522];
/// Capabilities 0 to 40, CAP_LAST_CAP.
const ALL: u64 = (1 << 41) - 1;
/// Bytes of an element of the data: effective, permitted and inheritable, of 32 capabilities.
const ELEMENT_BYTES: usize = 12;

/// Stores the capabilities of the thread that the header at `header` names at `data`. A null `data` asks for the
/// version, which a header of an unknown one is given.
pub fn capget(memory: &mut impl UserMemory, thread: &mut Thread, header: UserAddress, data: UserAddress) -> SysResult {
    let version = memory.read_u32(header)?;
    let [_, _, newest] = VERSIONS;
    if !VERSIONS.contains(&version) {
        memory.write_u32(header, newest)?;
        return if data.is_null() { Ok(0) } else { Err(Errno::EINVAL.into()) };
    }
    if data.is_null() {
        return Ok(0);
    }
    let tid = memory.read_u32(header.add(4))?;
    if (tid as i32) < 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid != 0 && tid != thread.tid {
        return Err(Refusal::Unsupported("the capabilities of another thread"));
    }
    let elements = [ALL as u32, (ALL >> 32) as u32];
    let has_32 = VERSIONS.first() == Some(&version);
    for (index, &set) in elements.iter().enumerate().take(if has_32 { 1 } else { 2 }) {
        let element = data.add(index * ELEMENT_BYTES);
        memory.slice_mut(element, ELEMENT_BYTES)?;
        memory.write_u32(element, set)?;
        memory.write_u32(element.add(4), set)?;
        memory.write_u32(element.add(8), 0)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn root_has_all() {
        let (mut memory, mut thread) = (FakeMemory::new(32), Thread::first());
        let mut header = |memory: &mut FakeMemory, version: u32, tid: i32| {
            memory.put(0, &[version as i32, tid].map(i32::to_le_bytes).concat());
            memory.put(8, &[7; 24]);
            let (header, data) = (memory.address(0), memory.address(8));
            capget(memory, &mut thread, header, data)
        };
        assert_eq!(header(&mut memory, VERSIONS[2], 0), Ok(0));
        let words: [u32; 6] = core::array::from_fn(|index| memory.read_u32(memory.address(8 + 4 * index)).unwrap());
        assert_eq!(words, [u32::MAX, u32::MAX, 0, 0x1ff, 0x1ff, 0]);
        assert_eq!(header(&mut memory, VERSIONS[0], 2), Ok(0));
        assert_eq!(memory.bytes(20, 1), [7], "one element");
        assert_eq!(header(&mut memory, VERSIONS[1], -1), Err(Errno::EINVAL.into()));
        assert!(matches!(header(&mut memory, VERSIONS[1], 9), Err(Refusal::Unsupported(_))));
        assert_eq!(header(&mut memory, 5, 0), Err(Errno::EINVAL.into()));
        assert_eq!(memory.read_u32(memory.address(0)), Ok(VERSIONS[2]));
        let at = memory.address(0);
        assert_eq!(capget(&mut memory, &mut thread, at, UserAddress::NULL), Ok(0));
        assert_eq!(capget(&mut memory, &mut thread, UserAddress(8), at), Err(Errno::EFAULT.into()));
    }
}
