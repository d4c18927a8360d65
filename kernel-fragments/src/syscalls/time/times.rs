//! `times(2)`: <https://man7.org/linux/man-pages/man2/times.2.html>, the system call. Supported: everything; the ticks are
//! hundredths of a second since boot, and all CPU time is the program's. Errors: EFAULT.

use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(153 => times);

/// A tick, as AT_CLKTCK counts them.
const TICK_NS: u64 = SECOND_NS / 100;
/// Bytes of `struct tms`: own time in the program and in the kernel, then both of the children.
const TMS_BYTES: usize = 32;

/// Stores the CPU time at `address`, if that is not null; returns the time.
pub fn times(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
) -> SysResult {
    if !address.is_null() {
        let ticks = clock.read_ns(boot, thread, ClockKind::ProcessCpu) / TICK_NS;
        memory.slice_mut(address, TMS_BYTES)?.fill(0);
        memory.write_u64(address, ticks)?;
    }
    Ok((clock.read_ns(boot, thread, ClockKind::Monotonic) / TICK_NS) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn sleep_is_no_cpu_time() {
        let (mut memory, mut clock, mut thread) = (FakeMemory::new(32), Clock::new(), Thread::first());
        let (at, boot) = (memory.put(0, &[7; 32]), BootInfo::default());
        for _ in 0..20_000 {
            clock.step();
        }
        clock.idle_until(SECOND_NS);
        assert_eq!(times(&mut memory, &mut clock, &boot, &mut thread, at), Ok(100));
        assert_eq!(memory.read_u64(at), Ok(2));
        assert!(memory.bytes(8, 24).iter().all(|&byte| byte == 0));
        assert_eq!(times(&mut memory, &mut clock, &boot, &mut thread, UserAddress::NULL), Ok(100));
        assert_eq!(times(&mut memory, &mut clock, &boot, &mut thread, at.add(8)), Err(Errno::EFAULT.into()));
    }
}
