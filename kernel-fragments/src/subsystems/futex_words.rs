//! Futex words that name an owner: priority-inheritance futexes and robust ones (kernel/futex/pi.c, core.c). The most important
//! waiting thread owns the word next, of equal ones the one that waits for longest. Nothing is inherited.

use crate::abi::futex::{FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS, MATCH_ANY};
use crate::errno::Errno;
use crate::subsystems::futex_call::read_word;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Wait};
use crate::user_memory::{UserAddress, UserMemory};

/// Most locks that are looked at when a thread ends (include/linux/futex.h, ROBUST_LIST_LIMIT).
const ROBUST_LIST_LIMIT: usize = 2048;

/// How many threads that wait for each other are looked at (kernel/locking/rtmutex.c, max_lock_depth).
const MOST_OWNERS: usize = 1024;

/// Makes thread `tid` own the word at `address` if nobody does; says whether it does now.
///
/// # Errors
/// EDEADLK if it does already. EINVAL, EFAULT.
pub fn try_own(memory: &mut impl UserMemory, address: UserAddress, tid: u32) -> Result<bool, Errno> {
    let word = read_word(memory, address)?;
    match word & FUTEX_TID_MASK {
        0 => {
            memory.write_u32(address, word & FUTEX_OWNER_DIED | tid)?;
            Ok(true)
        }
        owner if owner == tid => Err(Errno::EDEADLK),
        _ => Ok(false),
    }
}

/// Marks the word at `address`, which another thread owns, as one that somebody asked for; returns its owner.
///
/// # Errors
/// ESRCH if no such thread is there, which is found out last. EINVAL, EFAULT.
pub fn mark_contended(memory: &mut impl UserMemory, threads: &mut Threads, address: UserAddress) -> Result<u32, Errno> {
    let word = read_word(memory, address)?;
    memory.write_u32(address, word | FUTEX_WAITERS)?;
    let owner = word & FUTEX_TID_MASK;
    threads.find(owner).map(|_| owner).ok_or(Errno::ESRCH)
}

/// Marks the word at `address`, which another thread owns, as one for which thread `tid` waits.
///
/// # Errors
/// ESRCH if no such thread is there. EDEADLK if that one waits, however indirectly, for a word that `tid` owns. EINVAL, EFAULT.
pub fn mark_waited_for(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    address: UserAddress,
    tid: u32,
) -> Result<(), Errno> {
    let mut owner = mark_contended(memory, threads, address)?;
    // Words that the program wrote itself may lead round in a circle.
    for _ in 0..MOST_OWNERS {
        let waiter = threads.waiting.iter().find(|thread| thread.tid == owner);
        let Some(Wait::OwnFutex(next)) = waiter.map(|thread| thread.wait) else { break };
        owner = read_word(memory, next)? & FUTEX_TID_MASK;
        if owner == tid {
            return Err(Errno::EDEADLK);
        }
    }
    Ok(())
}

/// Makes the first waiting thread own the word at `address`, with `more` bits; 0 is stored if nobody waits.
///
/// # Errors
/// EFAULT.
pub fn hand_over(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    address: UserAddress,
    more: u32,
) -> Result<(), Errno> {
    memory.slice_mut(address, 4)?;
    let next = threads.wake_one(|wait| wait == Wait::OwnFutex(address));
    memory.write_u32(address, next.map_or(0, |tid| FUTEX_WAITERS | tid) | more)
}

/// Lets go of what the dying `thread` holds: the futexes on its robust list, then those to own that others wait for.
/// Whatever is wrong with its list ends the walk silently, as in Linux.
pub fn release_all(memory: &mut impl UserMemory, threads: &mut Threads, thread: &Thread) {
    let head = thread.robust_list;
    if !head.is_null() {
        // It ends by an error when the list does not lead back to its head.
        let _ = release_list(memory, threads, head, thread.tid);
    }
    while let Some(Wait::OwnFutex(address)) = threads.find_wait(|wait| match wait {
        Wait::OwnFutex(address) => memory.read_u32(address).is_ok_and(|word| word & FUTEX_TID_MASK == thread.tid),
        _ => false,
    }) {
        if hand_over(memory, threads, address, FUTEX_OWNER_DIED).is_err() {
            return;
        }
    }
}

/// Walks the list (struct robust_list_head: next, offset of the word, entry being locked or unlocked).
fn release_list(memory: &mut impl UserMemory, threads: &mut Threads, head: UserAddress, tid: u32) -> Result<(), Errno> {
    let offset = memory.read_u64(head.add(8))? as usize;
    let pending = memory.read_u64(head.add(16))?;
    let mut entry = memory.read_u64(head)?;
    for _ in 0..ROBUST_LIST_LIMIT {
        if entry & !1 == head.0 as u64 {
            break;
        }
        let next = memory.read_u64(UserAddress(entry as usize & !1));
        if entry & !1 != pending & !1 {
            release(memory, threads, entry, offset, tid, false)?;
        }
        entry = next?;
    }
    if pending & !1 != 0 {
        release(memory, threads, pending, offset, tid, true)?;
    }
    Ok(())
}

/// Releases the futex of list entry `entry`, whose lowest bit says that it is one to own.
fn release(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    entry: u64,
    offset: usize,
    tid: u32,
    is_pending: bool,
) -> Result<(), Errno> {
    let (address, is_owned) = (UserAddress(entry as usize & !1).add(offset), entry & 1 != 0);
    let word = read_word(memory, address)?;
    if is_pending && !is_owned && word & FUTEX_TID_MASK == 0 {
        // It was unlocked, but its waiter was not woken yet.
        threads.wake_futex(address, 1, MATCH_ANY);
        return Ok(());
    }
    if word & FUTEX_TID_MASK != tid || is_owned && word & FUTEX_WAITERS != 0 {
        return Ok(()); // not its own; or handed over afterwards, to a waiter
    }
    memory.write_u32(address, word & FUTEX_WAITERS | FUTEX_OWNER_DIED)?;
    if word & FUTEX_WAITERS != 0 {
        threads.wake_futex(address, 1, MATCH_ANY);
    }
    Ok(())
}
