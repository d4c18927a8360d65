//! `brk(2)`: <https://man7.org/linux/man-pages/man2/brk.2.html>, the system call, which returns the break and never an
//! error. Supported: everything; the range is fixed when the image is built. Errors: none.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::program_break::ProgramBreak;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(214 => brk);

/// Moves the break to `wanted` if it can; returns the break.
pub fn brk(
    memory: &mut impl UserMemory,
    program_break: &mut ProgramBreak,
    boot: &BootInfo,
    wanted: UserAddress,
) -> SysResult {
    Ok(program_break.move_to(memory, boot, wanted.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::boot_info::Range;
    use crate::testing::{BASE, FakeMemory};

    #[test]
    fn grows_shrinks_and_forgets() {
        let mut memory = FakeMemory::new(8 * PAGE_BYTES);
        let end = memory.end().0;
        let boot = BootInfo { break_range: Range { start: BASE as u64, end: end as u64 }, ..BootInfo::default() };
        let mut state = ProgramBreak::new();
        let mut brk = |memory: &mut FakeMemory, wanted| brk(memory, &mut state, &boot, UserAddress(wanted));
        assert_eq!(brk(&mut memory, 0), Ok(BASE));
        assert_eq!(brk(&mut memory, end), Ok(end));
        assert_eq!(brk(&mut memory, end + 1), Ok(end), "too far: the old break");
        assert_eq!(brk(&mut memory, BASE - 1), Ok(end), "below the start: the old break");
        memory.put(0, &[1; 8 * PAGE_BYTES]);
        assert_eq!(brk(&mut memory, BASE + PAGE_BYTES + 1), Ok(BASE + PAGE_BYTES + 1));
        assert_eq!(brk(&mut memory, BASE + 3 * PAGE_BYTES), Ok(BASE + 3 * PAGE_BYTES));
        assert_eq!(memory.bytes(2 * PAGE_BYTES - 1, 1), [1], "the page of the old break stays");
        assert!(memory.bytes(2 * PAGE_BYTES, PAGE_BYTES).iter().all(|&byte| byte == 0), "later pages are new");
        assert_eq!(memory.bytes(3 * PAGE_BYTES, 1), [1], "pages above the break are left alone");
    }
}
