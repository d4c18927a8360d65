//! `munlockall(2)`: <https://man7.org/linux/man-pages/man2/mlockall.2.html>. Supported: everything. Errors: none.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::program_break::ProgramBreak;
use crate::user_memory::UserMemory;

syscall!(231 => munlockall);

/// Lets pages leave memory, which they never do, also those that will be mapped.
pub fn munlockall(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    program_break: &mut ProgramBreak,
    boot: &BootInfo,
) -> SysResult {
    space.set_all_locked(memory, boot, program_break.end(boot), Some(false), false)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::testing_memory::machine;

    #[test]
    fn nothing_is_locked_any_longer() {
        let (mut memory, mut space, boot) = machine(1, 1);
        let base = boot.program_ranges[0].start as usize;
        assert_eq!(space.set_locked(&mut memory, &boot, base, base + PAGE_BYTES, true), Ok(()));
        space.locks_future = true;
        assert_eq!(munlockall(&mut memory, &mut space, &mut ProgramBreak::new(), &boot), Ok(0));
        assert_eq!(space.first_locked(&boot, base, base + PAGE_BYTES), Ok((false, base + PAGE_BYTES)));
        assert!(!space.locks_future);
    }
}
