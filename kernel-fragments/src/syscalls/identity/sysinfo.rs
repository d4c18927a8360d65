//! `sysinfo(2)`: <https://man7.org/linux/man-pages/man2/sysinfo.2.html>. Supported: everything; the memory is what the
//! program was given, free is what mmap can still give it, the processes are this one and its parent. Errors: EFAULT.

use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(179 => sysinfo);

/// Bytes of `struct sysinfo`, and where the fields lie that are not 0.
const SYSINFO_BYTES: usize = 112;
const TOTALRAM_OFFSET: usize = 32;
const FREERAM_OFFSET: usize = 40;
const PROCS_OFFSET: usize = 80;
const MEM_UNIT_OFFSET: usize = 104;

/// Stores what there is of the machine at `address`.
pub fn sysinfo(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
) -> SysResult {
    memory.slice_mut(address, SYSINFO_BYTES)?.fill(0);
    let total: u64 = boot.program_ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
    memory.write_u64(address, clock.read_ns(boot, thread, ClockKind::Monotonic).div_ceil(SECOND_NS))?;
    memory.write_u64(address.add(TOTALRAM_OFFSET), total)?;
    memory.write_u64(address.add(FREERAM_OFFSET), space.free_bytes(boot) as u64)?;
    memory.write_u32(address.add(PROCS_OFFSET), 2)?;
    memory.write_u32(address.add(MEM_UNIT_OFFSET), 1)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::errno::Errno;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing_memory::machine;

    #[test]
    fn memory_is_what_the_builder_gave() {
        let (mut memory, mut space, mut boot) = machine(1, 8);
        let (mut clock, mut thread) = (Clock::new(), Thread::first());
        boot.program_ranges[1] = boot.mapping_range;
        let at = memory.put(0, &[7; SYSINFO_BYTES]);
        assert!(space.map(&mut memory, &boot, Placement::Hint(0), 3 * PAGE_BYTES, 0).is_ok());
        assert_eq!(sysinfo(&mut memory, &mut space, &mut clock, &boot, &mut thread, at), Ok(0));
        let word = |offset| memory.read_u64(at.add(offset));
        assert_eq!((word(0), word(8), word(32), word(40)), (Ok(1), Ok(0), Ok(9 * 4096), Ok(5 * 4096)));
        assert_eq!((word(80), word(104)), (Ok(2), Ok(1)));
        let bad = memory.end();
        let result = sysinfo(&mut memory, &mut space, &mut clock, &boot, &mut thread, bad);
        assert_eq!(result, Err(Errno::EFAULT.into()));
    }
}
