//! What the calls about memory policies (numa(7)) have in common: sets of nodes as programs pass them, whose process a call is about, and
//! whether memory was ever given a policy of its own. Every mapped page counts as present, and lies on node 0.

use crate::abi::memory::{PAGE_BYTES, page_align};
use crate::abi::mempolicy::{MOST_NODES, NODES};
use crate::errno::{Errno, Refusal};
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

/// No process has a larger id (include/linux/threads.h, PID_MAX_LIMIT).
const LARGEST_ID: i32 = 1 << 22;

/// What is known of the policies of memory: the policy itself is never asked for once some memory has one.
pub struct MemoryPolicies {
    /// Whether `mbind` gave memory a policy.
    pub some_memory_has_one: bool,
}

impl MemoryPolicies {
    /// No memory has one.
    pub const fn new() -> MemoryPolicies {
        MemoryPolicies { some_memory_has_one: false }
    }

    /// Checks that no memory has one, so that all is known.
    ///
    /// # Errors
    /// Unsupported: some has.
    pub fn check_none(&self) -> Result<(), Refusal> {
        let told = Refusal::Unsupported("the policies of single mappings, once mbind has set one");
        if self.some_memory_has_one { Err(told) } else { Ok(()) }
    }
}

/// The set of nodes at `address`, of `count` bits less one (mm/mempolicy.c, get_nodes); null is an empty one.
///
/// # Errors
/// EFAULT. EINVAL: far too long, or with nodes that Linux is not made for.
pub fn read_nodes(memory: &impl UserMemory, address: UserAddress, count: usize) -> Result<u8, Errno> {
    let mut count = count.wrapping_sub(1);
    if count == 0 || address.is_null() {
        return Ok(0);
    }
    if count > PAGE_BYTES * 8 {
        return Err(Errno::EINVAL);
    }
    let word = |index: usize| memory.read_u64(address.add(8 * index));
    let most = MOST_NODES as usize;
    // From the end: what Linux is not made for must not be there.
    while count > most {
        let bits = count.min(64);
        let mut rest = word((count - 1) / 64)? & u64::MAX >> (64 - bits);
        if count - bits >= most {
            count -= bits;
        } else {
            count = most;
            rest &= u64::MAX << most;
        }
        if rest != 0 {
            return Err(Errno::EINVAL);
        }
    }
    Ok((word(0)? & u64::MAX >> (64 - count)) as u8)
}

/// Stores the set `nodes` at `address`, of `count` bits less one (mm/mempolicy.c, copy_nodes_to_user).
///
/// # Errors
/// EFAULT. EINVAL: far too long.
pub fn write_nodes(memory: &mut impl UserMemory, address: UserAddress, count: usize, nodes: u8) -> Result<(), Errno> {
    let len_bytes = count.wrapping_sub(1).wrapping_add(63) / 64 * 8;
    if len_bytes > PAGE_BYTES {
        return Err(Errno::EINVAL);
    }
    if len_bytes > 8 {
        memory.slice_mut(address.add(8), len_bytes - 8)?.fill(0);
    }
    if len_bytes > 0 { memory.write_u64(address, nodes.into()) } else { Ok(()) }
}

/// The pages of `len_bytes` from `start` on, as `mbind` and its relatives count them: where they end.
///
/// # Errors
/// EINVAL: `start` is none of a page, or they end behind the last address.
pub fn pages_end(start: usize, len_bytes: usize) -> Result<usize, Errno> {
    // A length that its pages carry beyond the largest number is none at all.
    let end = start.checked_add(page_align(len_bytes).unwrap_or(0)).ok_or(Errno::EINVAL)?;
    if start.is_multiple_of(PAGE_BYTES) { Ok(end) } else { Err(Errno::EINVAL) }
}

/// Checks that `id` is this process, asked by `thread`.
///
/// # Errors
/// ESRCH: nobody's. Unsupported: perhaps another's.
pub fn check_own(thread: &Thread, id: i32) -> Result<(), Refusal> {
    match id {
        0 => Ok(()),
        _ if id == PROCESS_ID as i32 || id == thread.tid as i32 => Ok(()),
        ..0 | LARGEST_ID.. => Err(Errno::ESRCH.into()),
        _ => Err(Refusal::Unsupported("the memory of another process, or named by another thread")),
    }
}

/// Whether `nodes` are such that memory of this machine lies elsewhere.
pub fn lies_elsewhere(nodes: u8) -> bool {
    nodes & NODES == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn sets_of_nodes() {
        let mut memory = FakeMemory::new(64);
        let at = memory.put(0, &[0x15u64, 0, 1 << 40].map(u64::to_le_bytes).concat());
        for (count, expected) in [
            (1, Ok(0)),
            (2, Ok(1)),
            (4, Ok(5)),
            (5, Ok(5)),
            (6, Err(Errno::EINVAL)),
            (65, Err(Errno::EINVAL)),
            (150, Err(Errno::EINVAL)),
            (0, Err(Errno::EINVAL)),
            (PAGE_BYTES * 8 + 2, Err(Errno::EINVAL)),
            (PAGE_BYTES * 8, Err(Errno::EFAULT)),
        ] {
            assert_eq!(read_nodes(&memory, at, count), expected, "{count}");
        }
        memory.put(0, &[3]);
        assert_eq!([64, 129, 130].map(|count| read_nodes(&memory, at, count)), [Ok(3), Ok(3), Err(Errno::EINVAL)]);
        assert_eq!(read_nodes(&memory, UserAddress::NULL, 0), Ok(0));
        for (count, expected) in [(1, 3), (2, 1)] {
            assert_eq!(write_nodes(&mut memory, at, count, 1), Ok(()));
            assert_eq!(memory.read_u64(at), Ok(expected));
        }
        assert_eq!((write_nodes(&mut memory, at, 130, 1), memory.read_u64(at.add(16))), (Ok(()), Ok(0)));
        assert_eq!(write_nodes(&mut memory, at, PAGE_BYTES * 8 + 2, 1), Err(Errno::EINVAL));
    }

    #[test]
    fn whose_memory() {
        let thread = Thread { tid: 7, ..Thread::first() };
        let all = [0, 2, 7, -1, 1 << 22].map(|id| check_own(&thread, id));
        assert_eq!(all, [Ok(()), Ok(()), Ok(()), Err(Errno::ESRCH.into()), Err(Errno::ESRCH.into())]);
        assert!(matches!(check_own(&thread, 1), Err(Refusal::Unsupported(_))));
    }
}
