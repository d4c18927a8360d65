//! `struct sched_attr` (include/uapi/linux/sched/types.h): what `sched_setattr` is given and `sched_getattr` tells.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of the first version, and of the one of Linux 6.12.
pub const FIRST_BYTES: u32 = 48;
/// As above.
pub const KNOWN_BYTES: u32 = 56;
/// More bytes are refused (PAGE_SIZE).
pub const MOST_BYTES: u32 = 4096;

/// New threads do not inherit it (SCHED_FLAG_RESET_ON_FORK).
pub const RESET_ON_FORK: u64 = 1;
/// The policy stays (SCHED_FLAG_KEEP_POLICY).
pub const KEEP_POLICY: u64 = 8;
/// Priority and niceness stay (SCHED_FLAG_KEEP_PARAMS).
pub const KEEP_PARAMETERS: u64 = 0x10;
/// How fast a processor is to be (SCHED_FLAG_UTIL_CLAMP).
pub const CLAMPS: u64 = 0x60;
/// All that there are.
pub const KNOWN_FLAGS: u64 = 0x7f;

/// The parts that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// SCHED_ policy.
    pub policy: i32,
    /// A set of the flags above.
    pub flags: u64,
    /// Niceness, -20 to 19.
    pub nice: i32,
    /// Priority of the two real-time policies.
    pub priority: u32,
    /// Nanoseconds of a turn.
    pub runtime_ns: u64,
}

impl Attributes {
    /// Those at `address`.
    ///
    /// # Errors
    /// EFAULT; E2BIG for a size that there is not, or more than is known: then the size that is known is stored there. EINVAL:
    /// a part that the size leaves out.
    pub fn read(memory: &mut impl UserMemory, address: UserAddress) -> Result<Attributes, Errno> {
        let size_bytes = match memory.read_u32(address)? {
            0 => FIRST_BYTES,
            size_bytes => size_bytes,
        };
        let is_fitting = (FIRST_BYTES..=MOST_BYTES).contains(&size_bytes) && {
            let behind = memory.slice(address, size_bytes as usize)?.get(KNOWN_BYTES as usize..).unwrap_or_default();
            behind.iter().all(|&byte| byte == 0)
        };
        if !is_fitting {
            memory.write_u32(address, KNOWN_BYTES)?;
            return Err(Errno::E2BIG);
        }
        let attributes = Attributes {
            policy: memory.read_u32(address.add(4))?.cast_signed(),
            flags: memory.read_u64(address.add(8))?,
            nice: memory.read_u32(address.add(16))?.cast_signed().clamp(-20, 19),
            priority: memory.read_u32(address.add(20))?,
            runtime_ns: memory.read_u64(address.add(24))?,
        };
        if attributes.flags & CLAMPS != 0 && size_bytes < KNOWN_BYTES {
            return Err(Errno::EINVAL);
        }
        Ok(attributes)
    }

    /// Stores as much of them at `address` as `room_bytes` hold; EFAULT.
    pub fn write(self, memory: &mut impl UserMemory, address: UserAddress, room_bytes: u32) -> Result<(), Errno> {
        let size_bytes = room_bytes.min(KNOWN_BYTES);
        memory.slice_mut(address, size_bytes as usize)?.fill(0);
        memory.write_u32(address, size_bytes)?;
        memory.write_u32(address.add(4), self.policy.cast_unsigned())?;
        memory.write_u64(address.add(8), self.flags)?;
        memory.write_u32(address.add(16), self.nice.cast_unsigned())?;
        memory.write_u32(address.add(20), self.priority)?;
        memory.write_u64(address.add(24), self.runtime_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn sizes() {
        let mut memory = FakeMemory::new(128);
        let at = memory.address(0);
        let attributes = Attributes { policy: 1, flags: RESET_ON_FORK, nice: -3, priority: 7, runtime_ns: 9 };
        assert_eq!(attributes.write(&mut memory, at, 100), Ok(()));
        assert_eq!((memory.bytes(0, 1)[0], Attributes::read(&mut memory, at)), (56, Ok(attributes)));
        memory.put(8, &[0x20]);
        assert!(Attributes::read(&mut memory, at).is_ok());
        memory.put(0, &[48]);
        assert_eq!(Attributes::read(&mut memory, at), Err(Errno::EINVAL));
        memory.put(8, &[0]);
        assert!(Attributes::read(&mut memory, at).is_ok());
        for (size, last) in [(47, 0), (64, 1)] {
            memory.put(60, &[last]);
            memory.put(0, &[size]);
            assert_eq!((Attributes::read(&mut memory, at), memory.bytes(0, 1)[0]), (Err(Errno::E2BIG), 56));
        }
        memory.put(60, &[0]);
        memory.put(0, &[64]);
        assert!(Attributes::read(&mut memory, at).is_ok());
    }
}
