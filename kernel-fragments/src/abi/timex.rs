//! `struct timex` (include/uapi/linux/timex.h): what `clock_adjtime` and `adjtimex` are given and tell.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of one.
const TIMEX_BYTES: usize = 208;

/// Add a time to the clock (ADJ_SETOFFSET).
pub const SET_OFFSET: u32 = 0x100;
/// The time's part is in nanoseconds (ADJ_NANO).
pub const NANOSECONDS: u32 = 0x2000;
/// Read what is left of a slow adjustment (ADJ_OFFSET_SS_READ).
pub const READ_SINGLE_SHOT: u32 = 0xa001;

/// What the call answers where nobody keeps the clock in step (TIME_ERROR).
pub const NOT_SYNCHRONISED: usize = 5;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adjustment {
    /// A set of the constants above, or others.
    pub modes: u32,
    /// Seconds, and a part of one.
    pub time: [i64; 2],
}

impl Adjustment {
    /// The one at `address`; EFAULT.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<Adjustment, Errno> {
        memory.slice(address, TIMEX_BYTES)?;
        let time = memory.read_pair(address.add(72))?.map(u64::cast_signed);
        Ok(Adjustment { modes: memory.read_u32(address)?, time })
    }
}

/// Stores at `address` how a clock stands that nobody ever adjusted, and the time `now_ns`; EFAULT.
pub fn write_state(memory: &mut impl UserMemory, address: UserAddress, now_ns: u64) -> Result<(), Errno> {
    let modes = memory.read_u32(address)?;
    memory.slice_mut(address, TIMEX_BYTES)?.fill(0);
    memory.write_u32(address, modes)?;
    for (offset, value) in [
        (24, 16_000_000), // maxerror
        (32, 16_000_000), // esterror
        (40, 0x40),       // status: STA_UNSYNC
        (48, 2),          // constant
        (56, 1),          // precision
        (64, 32_768_000), // tolerance
        (72, now_ns / 1_000_000_000),
        (80, now_ns % 1_000_000_000 / 1000),
        (88, 10_000), // tick
    ] {
        memory.write_u64(address.add(offset), value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn read_and_written() {
        let mut memory = FakeMemory::new(TIMEX_BYTES);
        let at = memory.put(0, &SET_OFFSET.to_le_bytes());
        memory.put(72, &(-3i64).to_le_bytes());
        assert_eq!(Adjustment::read(&memory, at), Ok(Adjustment { modes: SET_OFFSET, time: [-3, 0] }));
        assert_eq!(write_state(&mut memory, at, 5_000_006_000), Ok(()));
        assert_eq!([0, 72, 80, 88].map(|offset| memory.read_u64(at.add(offset))), [0x100, 5, 6, 10_000].map(Ok));
        assert_eq!(Adjustment::read(&memory, at.add(1)), Err(Errno::EFAULT));
    }
}
