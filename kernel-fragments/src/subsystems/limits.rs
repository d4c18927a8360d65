//! Resource limits: what a program that a Linux has just started would be told. Only three are more than numbers here: the
//! stack has the size that the builder gave it, and the descriptor table and the queue of signals refuse what is beyond their limits.

use crate::abi::capability::CAP_SYS_RESOURCE;
use crate::abi::rlimit::{
    RESOURCES, RLIMIT_AS, RLIMIT_BYTES, RLIMIT_CORE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_MEMLOCK,
    RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RTPRIO, RLIMIT_SIGPENDING, RLIMIT_STACK,
    UNLIMITED,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::credentials::{caller_has, note_limit};
use crate::subsystems::signal_limit::{FIRST_LIMIT, set_limit};
use crate::user_memory::{UserAddress, UserMemory};

/// Most descriptors that a hard limit may allow (fs/file.c, sysctl_nr_open).
const MOST_DESCRIPTORS: u64 = 1 << 20;

/// A soft and a hard limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// What holds.
    pub soft: u64,
    /// How far the soft limit may be raised.
    pub hard: u64,
}

impl Limit {
    const NONE: Limit = Limit { soft: UNLIMITED, hard: UNLIMITED };

    const fn both(value: u64) -> Limit {
        Limit { soft: value, hard: value }
    }
}

/// The limits as far as the program changed them.
#[derive(Debug)]
pub struct Limits {
    changed: [Option<Limit>; RESOURCES as usize],
}

impl Limits {
    /// The first limits.
    pub const fn new() -> Limits {
        Limits { changed: [None; RESOURCES as usize] }
    }

    /// The limit of `resource`.
    ///
    /// # Errors
    /// EINVAL: no such resource.
    pub fn get(&self, boot: &BootInfo, resource: u32) -> Result<Limit, Errno> {
        let changed = self.changed.get(resource as usize).ok_or(Errno::EINVAL)?;
        Ok(changed.unwrap_or_else(|| first(boot, resource)))
    }

    /// Sets the limit of `resource`.
    ///
    /// # Errors
    /// EINVAL: no such resource, or soft above hard. EPERM: more descriptors than there can ever be, or a hard limit that the caller
    /// may not raise. Unsupported:
    /// a limit that Linux would enforce from now on and this kernel would not.
    pub fn set(&mut self, boot: &BootInfo, resource: u32, limit: Limit) -> Result<(), Refusal> {
        let old = self.get(boot, resource)?;
        if limit.soft > limit.hard {
            return Err(Errno::EINVAL.into());
        }
        if resource == RLIMIT_NOFILE && limit.hard > MOST_DESCRIPTORS {
            return Err(Errno::EPERM.into());
        }
        if limit.hard > old.hard && !caller_has(CAP_SYS_RESOURCE) {
            return Err(Errno::EPERM.into());
        }
        let is_enforced = match resource {
            RLIMIT_CPU | RLIMIT_FSIZE | RLIMIT_STACK => true,
            // Nobody gets beyond a limit that is more than there is.
            RLIMIT_DATA | RLIMIT_AS => limit.soft < all_memory_bytes(boot),
            _ => false,
        };
        if is_enforced && limit.soft != old.soft {
            return Err(Refusal::Unsupported("changing a limit on time, file size, memory or stack"));
        }
        if let Some(slot) = self.changed.get_mut(resource as usize) {
            *slot = Some(limit);
            note_limit(resource, limit.soft);
            if resource == RLIMIT_SIGPENDING {
                set_limit(limit.soft);
            }
        }
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn all_memory_bytes(boot: &BootInfo) -> u64 {
    boot.program_ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum()
}

/// include/asm-generic/resource.h, INIT_RLIMITS; the numbers of threads and of queued signals are those of a machine with 1 GiB of memory
/// (kernel/fork.c, fork_init).
fn first(boot: &BootInfo, resource: u32) -> Limit {
    match resource {
        RLIMIT_STACK => Limit { soft: boot.stack_range.end.saturating_sub(boot.stack_range.start), hard: UNLIMITED },
        RLIMIT_CORE => Limit { soft: 0, hard: UNLIMITED },
        RLIMIT_NPROC => Limit::both(4096),
        RLIMIT_SIGPENDING => Limit::both(FIRST_LIMIT),
        RLIMIT_NOFILE => Limit { soft: 1024, hard: 4096 },
        RLIMIT_MEMLOCK => Limit::both(8 << 20),
        RLIMIT_MSGQUEUE => Limit::both(819_200),
        RLIMIT_NICE | RLIMIT_RTPRIO => Limit::both(0),
        _ => Limit::NONE,
    }
}

/// The `struct rlimit` at `address`; EFAULT.
pub fn read_limit(memory: &impl UserMemory, address: UserAddress) -> Result<Limit, Errno> {
    memory.slice(address, RLIMIT_BYTES)?;
    Ok(Limit { soft: memory.read_u64(address)?, hard: memory.read_u64(address.add(8))? })
}

/// Stores `limit` as a `struct rlimit` at `address`; EFAULT.
pub fn write_limit(memory: &mut impl UserMemory, address: UserAddress, limit: Limit) -> Result<(), Errno> {
    memory.slice_mut(address, RLIMIT_BYTES)?;
    memory.write_u64(address, limit.soft)?;
    memory.write_u64(address.add(8), limit.hard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::signal_limit;

    #[test]
    fn the_queue_of_signals_learns_its_limit() {
        let (mut limits, boot) = (Limits::new(), BootInfo::default());
        assert_eq!(limits.get(&boot, RLIMIT_SIGPENDING), Ok(Limit::both(signal_limit::limit())));
        let refused = limits.set(&boot, RLIMIT_SIGPENDING, Limit { soft: 8, hard: 7 });
        assert_eq!((refused, signal_limit::limit()), (Err(Errno::EINVAL.into()), FIRST_LIMIT));
        for limit in [Limit { soft: 7, hard: 9 }, Limit::NONE] {
            assert_eq!(limits.set(&boot, RLIMIT_SIGPENDING, limit), Ok(()));
            assert_eq!((limits.get(&boot, RLIMIT_SIGPENDING), signal_limit::limit()), (Ok(limit), limit.soft));
        }
        assert_eq!(limits.set(&boot, RLIMIT_MSGQUEUE, Limit::both(3)), Ok(()));
        assert_eq!(signal_limit::limit(), UNLIMITED);
    }
}
