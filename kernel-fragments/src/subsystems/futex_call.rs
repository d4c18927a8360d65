//! What `futex` is asked for, checked as far as that is the same with one thread and with many (kernel/futex/syscalls.c).

use crate::abi::futex::{
    FUTEX_CLOCK_REALTIME, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAIT_BITSET,
    FUTEX_WAIT_REQUEUE_PI,
};
use crate::abi::timespec::read_timespec;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::user_memory::{UserAddress, UserMemory};

/// A decoded operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FutexCall {
    /// FUTEX_ command without flags.
    pub command: u32,
    /// Whether only addresses count, not what they lead to: then waking an unmapped word is no error.
    pub is_private: bool,
    /// When waiting ends, in nanoseconds since boot.
    pub deadline_ns: Option<u64>,
    /// Whether that is when a time of day comes.
    pub waits_for_day: bool,
}

impl FutexCall {
    /// Decodes `operation`, with the timeout at `timeout` if the command has one.
    ///
    /// # Errors
    /// EFAULT, EINVAL: a bad timeout. ENOSYS: the time of day where the command does not allow it.
    pub fn decode(
        memory: &impl UserMemory,
        clock: &Clock,
        boot: &BootInfo,
        operation: u32,
        timeout: UserAddress,
    ) -> Result<FutexCall, Errno> {
        let command = operation & !(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
        let is_realtime = operation & FUTEX_CLOCK_REALTIME != 0;
        let waits_for_day = is_realtime || command == FUTEX_LOCK_PI;
        let deadline_ns = match command {
            _ if timeout.is_null() => None,
            FUTEX_WAIT => Some(clock.after_ns(read_timespec(memory, timeout)?)),
            FUTEX_WAIT_BITSET | FUTEX_LOCK_PI | FUTEX_LOCK_PI2 | FUTEX_WAIT_REQUEUE_PI => {
                let kind = if waits_for_day { ClockKind::Realtime } else { ClockKind::Monotonic };
                Some(clock.since_boot_ns(boot, kind, read_timespec(memory, timeout)?))
            }
            _ => None,
        };
        if is_realtime && !matches!(command, FUTEX_WAIT_BITSET | FUTEX_WAIT_REQUEUE_PI | FUTEX_LOCK_PI2) {
            return Err(Errno::ENOSYS);
        }
        Ok(FutexCall { command, is_private: operation & FUTEX_PRIVATE_FLAG != 0, deadline_ns, waits_for_day })
    }

    /// Checks the word at `address` without reading it.
    ///
    /// # Errors
    /// EINVAL: not aligned to 4 bytes. EFAULT: a shared one that is not the program's.
    pub fn check_word(&self, memory: &impl UserMemory, address: UserAddress) -> Result<(), Errno> {
        check_alignment(address)?;
        if !self.is_private {
            memory.slice(address, 4)?;
        }
        Ok(())
    }
}

/// The word at `address`.
///
/// # Errors
/// EINVAL: not aligned to 4 bytes. EFAULT.
pub fn read_word(memory: &impl UserMemory, address: UserAddress) -> Result<u32, Errno> {
    check_alignment(address)?;
    memory.read_u32(address)
}

fn check_alignment(address: UserAddress) -> Result<(), Errno> {
    if address.0.is_multiple_of(4) { Ok(()) } else { Err(Errno::EINVAL) }
}
