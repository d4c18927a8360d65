//! `riscv_hwprobe(2)` (Documentation/arch/riscv/hwprobe.rst). Supported: every key of Linux 6.12 and both flags. The kernel is
//! not told the machine's extensions beyond those it needs itself (I, M, A, C), so it promises no others. Errors: EINVAL,
//! EFAULT.

use crate::abi::memory::ADDRESS_SPACE_END;
use crate::errno::{Errno, SysResult};
use crate::subsystems::hart_set::has_hart;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(258 => riscv_hwprobe);

/// Bytes of a pair: key, value.
const PAIR_BYTES: usize = 16;
/// Stores the harts that match the pairs instead of the pairs' values.
const WHICH_CPUS: u32 = 1;
/// The key of a pair that is not known.
const UNKNOWN_KEY: u64 = u64::MAX;

/// Fills in the values of `pair_count` pairs at `pairs` for the set of `set_bytes` bytes at `set` (null: all harts).
pub fn riscv_hwprobe(
    memory: &mut impl UserMemory,
    pairs: UserAddress,
    pair_count: usize,
    set_bytes: usize,
    set: UserAddress,
    flags: u32,
) -> SysResult {
    match flags {
        0 => {
            if (set_bytes != 0 || !set.is_null()) && !has_hart(memory, set, set_bytes)? {
                return Err(Errno::EINVAL.into());
            }
            for index in 0..pair_count {
                let pair = pairs.add(index.wrapping_mul(PAIR_BYTES));
                let value = value_of(memory.read_u64(pair)?);
                if value.is_none() {
                    memory.write_u64(pair, UNKNOWN_KEY)?;
                }
                memory.write_u64(pair.add(8), value.unwrap_or(0))?;
            }
            Ok(0)
        }
        WHICH_CPUS => which_harts(memory, pairs, pair_count, set_bytes, set),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Leaves hart 0 in the set at `set` (or, if that is empty, puts it there) if it matches all pairs.
fn which_harts(
    memory: &mut impl UserMemory,
    pairs: UserAddress,
    pair_count: usize,
    set_bytes: usize,
    set: UserAddress,
) -> SysResult {
    if set_bytes == 0 || set.is_null() {
        return Err(Errno::EINVAL.into());
    }
    let len_bytes = set_bytes.min(8);
    let is_empty = memory.slice(set, len_bytes)?.iter().all(|&byte| byte == 0);
    let mut matches = is_empty || has_hart(memory, set, len_bytes)?;
    for index in 0..pair_count {
        let pair = pairs.add(index.wrapping_mul(PAIR_BYTES));
        let (key, wanted) = (memory.read_u64(pair)?, memory.read_u64(pair.add(8))?);
        match value_of(key) {
            // Keys 3 and 4 are sets of bits, of which the wanted ones must be there.
            Some(value) => matches &= if matches!(key, 3 | 4) { value & wanted == wanted } else { value == wanted },
            None => {
                memory.write_u64(pair, UNKNOWN_KEY)?;
                memory.write_u64(pair.add(8), 0)?;
                matches = false;
            }
        }
    }
    let set = memory.slice_mut(set, len_bytes)?;
    set.fill(0);
    if let Some(first) = set.first_mut() {
        *first = u8::from(matches);
    }
    Ok(0)
}

/// The value of `key`, if it is one.
fn value_of(key: u64) -> Option<u64> {
    match key {
        0..=2 => Some(0),                        // mvendorid, marchid, mimpid
        3 => Some(1),                            // BASE_BEHAVIOR: IMA
        4 => Some(2),                            // IMA_EXT_0: C
        5 | 9 => Some(0),                        // speed of misaligned accesses: not known
        6 => Some(0),                            // block size of Zicboz: none
        7 => Some(ADDRESS_SPACE_END as u64 - 1), // HIGHEST_VIRT_ADDRESS
        8 => Some(10_000_000),                   // TIME_CSR_FREQ
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn fills_in_and_finds() {
        let mut memory = FakeMemory::new(64);
        let null = UserAddress::NULL;
        let pairs = memory.put(0, &[3u64, 9, 1000, 9].map(u64::to_le_bytes).concat());
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 2, 0, null, 0), Ok(0));
        let words = [0, 8, 16, 24].map(|offset| memory.read_u64(pairs.add(offset)));
        assert_eq!(words, [Ok(3), Ok(1), Ok(u64::MAX), Ok(0)]);
        let set = memory.put(48, &[2]);
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 1, 8, set, 0), Err(Errno::EINVAL.into()));
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 1, 0, null, 2), Err(Errno::EINVAL.into()));
        assert_eq!(riscv_hwprobe(&mut memory, null, 1, 0, null, 0), Err(Errno::EFAULT.into()));
        memory.put(48, &[3]);
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 1, 8, set, WHICH_CPUS), Ok(0));
        assert_eq!(memory.bytes(48, 1), [1]);
        memory.put(8, &[4]);
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 1, 8, set, WHICH_CPUS), Ok(0));
        assert_eq!(memory.bytes(48, 1), [0]);
        assert_eq!(riscv_hwprobe(&mut memory, pairs, 1, 0, set, WHICH_CPUS), Err(Errno::EINVAL.into()));
    }
}
