//! `mlockall(2)`: <https://man7.org/linux/man-pages/man2/mlockall.2.html>. Supported: everything, as `mlock` does it. Errors: EINVAL.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::check_rights;
use crate::subsystems::program_break::ProgramBreak;
use crate::user_memory::UserMemory;

syscall!(230 => mlockall);

const MCL_CURRENT: u32 = 1;
const MCL_FUTURE: u32 = 2;
const MCL_ONFAULT: u32 = 4;

/// Keeps all pages in memory, where they are anyway: those that there are, those that will be, or all.
pub fn mlockall(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    program_break: &mut ProgramBreak,
    boot: &BootInfo,
    flags: u32,
) -> SysResult {
    if flags & !(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 || flags & (MCL_CURRENT | MCL_FUTURE) == 0 {
        return Err(Errno::EINVAL.into());
    }
    check_rights()?;
    let locks_now = (flags & MCL_CURRENT != 0).then_some(true);
    space.set_all_locked(memory, boot, program_break.end(boot), locks_now, flags & MCL_FUTURE != 0)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::testing_memory::machine;

    #[test]
    fn now_and_in_future() {
        let (mut memory, mut space, boot) = machine(1, 4);
        let base = boot.program_ranges[0].start as usize;
        let mut call =
            |space: &mut AddressSpace, flags| mlockall(&mut memory, space, &mut ProgramBreak::new(), &boot, flags);
        for flags in [0, MCL_ONFAULT, 8 | MCL_FUTURE] {
            assert_eq!(call(&mut space, flags), Err(Errno::EINVAL.into()));
        }
        for (flags, is_locked, locks_future) in
            [(MCL_FUTURE, false, true), (MCL_CURRENT | MCL_ONFAULT, true, false), (MCL_FUTURE, true, true)]
        {
            assert_eq!(call(&mut space, flags), Ok(0));
            assert_eq!(space.first_locked(&boot, base, base + PAGE_BYTES).map(|(found, _)| found), Ok(is_locked));
            assert_eq!(space.locks_future, locks_future, "{flags}");
        }
    }
}
