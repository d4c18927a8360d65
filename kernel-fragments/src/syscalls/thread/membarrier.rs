//! `membarrier(2)`: <https://man7.org/linux/man-pages/man2/membarrier.2.html>. Supported: everything; with one hart, entering
//! the kernel is the barrier. Errors: EINVAL, EPERM.

use crate::errno::{Errno, SysResult};

syscall!(283 => membarrier);

const QUERY: u32 = 0;
const GLOBAL: u32 = 1;
const GLOBAL_EXPEDITED: u32 = 1 << 1;
const REGISTER_GLOBAL_EXPEDITED: u32 = 1 << 2;
const PRIVATE_EXPEDITED: u32 = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: u32 = 1 << 4;
const PRIVATE_EXPEDITED_SYNC_CORE: u32 = 1 << 5;
const PRIVATE_EXPEDITED_RSEQ: u32 = 1 << 7;
/// REGISTER_PRIVATE_EXPEDITED_SYNC_CORE and _RSEQ.
const PRIVATE_KINDS: u32 = 1 << 6 | 1 << 8;
const GET_REGISTRATIONS: u32 = 1 << 9;
/// The commands that register for the one below each.
const REGISTERS: u32 = REGISTER_GLOBAL_EXPEDITED | REGISTER_PRIVATE_EXPEDITED | PRIVATE_KINDS;
/// All commands (kernel/sched/membarrier.c, MEMBARRIER_CMD_BITMASK).
const KNOWN: u32 = 0x1ff | GET_REGISTRATIONS;
/// PRIVATE_EXPEDITED_RSEQ: only on one hart.
const FLAG_CPU: u32 = 1;

/// What the process registered for.
#[derive(Debug)]
pub struct BarrierRegistrations {
    commands: u32,
}

impl BarrierRegistrations {
    /// Nothing.
    pub const fn new() -> BarrierRegistrations {
        BarrierRegistrations { commands: 0 }
    }

    /// What is told of it: each private kind also counts as the plain one, though that cannot be used then
    /// (membarrier_register_private_expedited).
    fn told(&self) -> u32 {
        if self.commands & PRIVATE_KINDS != 0 { self.commands | REGISTER_PRIVATE_EXPEDITED } else { self.commands }
    }
}

/// Does `command`.
pub fn membarrier(registrations: &mut BarrierRegistrations, command: u32, flags: u32, _hart: u32) -> SysResult {
    let allowed = if command == PRIVATE_EXPEDITED_RSEQ { FLAG_CPU } else { 0 };
    if flags & !allowed != 0 {
        return Err(Errno::EINVAL.into());
    }
    match command {
        QUERY => Ok(KNOWN as usize),
        GLOBAL | GLOBAL_EXPEDITED => Ok(0),
        PRIVATE_EXPEDITED | PRIVATE_EXPEDITED_SYNC_CORE | PRIVATE_EXPEDITED_RSEQ => {
            let is_registered = registrations.commands & (command << 1) != 0;
            if is_registered { Ok(0) } else { Err(Errno::EPERM.into()) }
        }
        GET_REGISTRATIONS => Ok(registrations.told() as usize),
        _ if command.is_power_of_two() && command & REGISTERS != 0 => {
            registrations.commands |= command;
            Ok(0)
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_barriers_need_registration() {
        let mut registrations = BarrierRegistrations::new();
        let mut call = |command, flags| membarrier(&mut registrations, command, flags, 0);
        assert_eq!(call(QUERY, 0), Ok(0x3ff));
        assert_eq!(call(PRIVATE_EXPEDITED, 0), Err(Errno::EPERM.into()));
        assert_eq!(call(1 << 4, 0), Ok(0));
        assert_eq!(call(PRIVATE_EXPEDITED, 0), Ok(0));
        assert_eq!(call(PRIVATE_EXPEDITED_RSEQ, FLAG_CPU), Err(Errno::EPERM.into()));
        assert_eq!(call(GET_REGISTRATIONS, 0), Ok(1 << 4));
        for (command, flags) in [(GLOBAL, 1), (3, 0), (1 << 10, 0), (1 << 4 | 1 << 6, 0)] {
            assert_eq!(call(command, flags), Err(Errno::EINVAL.into()));
        }
    }

    #[test]
    fn private_kinds_are_told_with_the_plain_one() {
        let mut registrations = BarrierRegistrations::new();
        let mut call = |command| membarrier(&mut registrations, command, 0, 0);
        assert_eq!((call(1 << 8), call(GET_REGISTRATIONS)), (Ok(0), Ok(1 << 8 | 1 << 4)));
        assert_eq!((call(PRIVATE_EXPEDITED_RSEQ), call(PRIVATE_EXPEDITED)), (Ok(0), Err(Errno::EPERM.into())));
    }
}
