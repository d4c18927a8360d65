//! Resource limits: what a program that a Linux has just started would be told. Only RLIMIT_STACK is more than a number
//! here: the stack has the size that the builder gave it.

use crate::abi::rlimit::{RESOURCES, RLIMIT_NOFILE, RLIMIT_STACK, UNLIMITED};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};

/// What a program was changed to, if it was.
#[derive(Debug)]
pub struct Limits {
    changed: [Option<(u64, u64)>; RESOURCES as usize],
}

impl Limits {
    /// The first limits.
    pub const fn new() -> Limits {
        Limits { changed: [None; RESOURCES as usize] }
    }

    /// The soft and the hard limit of `resource`.
    ///
    /// # Errors
    /// EINVAL: no such resource.
    pub fn get(&self, boot: &BootInfo, resource: u32) -> Result<(u64, u64), Errno> {
        let changed = self.changed.get(resource as usize).ok_or(Errno::EINVAL)?;
        Ok(changed.unwrap_or_else(|| first(boot, resource)))
    }

    /// Sets the limits of `resource`. The process is root, so it may raise them.
    ///
    /// # Errors
    /// EINVAL: no such resource, or soft above hard. Unsupported: fewer or more descriptors than now.
    pub fn set(&mut self, boot: &BootInfo, resource: u32, limit: (u64, u64)) -> Result<(), Refusal> {
        let old = self.get(boot, resource)?;
        if limit.0 > limit.1 {
            return Err(Errno::EINVAL.into());
        }
        if resource == RLIMIT_NOFILE && limit.0 != old.0 {
            return Err(Refusal::Unsupported("changing the limit of open descriptors"));
        }
        if let Some(slot) = self.changed.get_mut(resource as usize) {
            *slot = Some(limit);
        }
        Ok(())
    }
}

/// include/asm-generic/resource.h, INIT_RLIMITS; the numbers of processes, descriptors, locked and queued bytes are those
/// of a Debian with 1 GiB of memory.
fn first(boot: &BootInfo, resource: u32) -> (u64, u64) {
    match resource {
        RLIMIT_STACK => (boot.stack_range.end - boot.stack_range.start, UNLIMITED),
        4 => (0, UNLIMITED),                // RLIMIT_CORE
        6 | 11 => (3900, 3900),             // RLIMIT_NPROC, RLIMIT_SIGPENDING
        RLIMIT_NOFILE => (1024, 1_048_576), // RLIMIT_NOFILE
        8 => (8 << 20, 8 << 20),            // RLIMIT_MEMLOCK
        12 => (819_200, 819_200),           // RLIMIT_MSGQUEUE
        13 | 14 => (0, 0),                  // RLIMIT_NICE, RLIMIT_RTPRIO
        _ => (UNLIMITED, UNLIMITED),
    }
}
