//! `_exit(2)` of a thread: <https://man7.org/linux/man-pages/man2/_exit.2.html>. Supported: everything; the program ends with
//! its last thread, with the status of its first one. Errors: none.

use crate::abi::futex::MATCH_ANY;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::futex_words::release_all;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::UserMemory;

syscall!(93 => exit);

quick!(just_exit);

/// The end of a thread that is not the last one and has no list of locks, where nobody ever waited to own one.
pub fn just_exit(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    status: i32,
) -> Option<Outcome> {
    if !thread.robust_list.is_null() || threads.owning_is_known || threads.is_alone() {
        return None;
    }
    if !thread.clear_child_tid.is_null() {
        memory.write_u32_quickly(thread.clear_child_tid, 0)?;
        threads.wake_futex(thread.clear_child_tid, 1, MATCH_ANY);
    }
    threads.exit(thread, status & 0xff);
    Some(Ok(Leave::Gone))
}

/// Ends the calling thread: lets go of its futexes, then announces its end at its clear-child-tid word.
pub fn exit(memory: &mut impl UserMemory, threads: &mut Threads, thread: &mut Thread, status: i32) -> Outcome {
    release_all(memory, threads, thread);
    if !thread.clear_child_tid.is_null() && memory.write_u32(thread.clear_child_tid, 0).is_ok() {
        threads.wake_futex(thread.clear_child_tid, 1, MATCH_ANY);
    }
    Ok(threads.exit(thread, status & 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::clone_flags::{CLONE_CHILD_CLEARTID, CLONE_PARENT_SETTID};
    use crate::abi::futex::{FUTEX_OWNER_DIED, FUTEX_WAIT, FUTEX_WAITERS};
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    fn exit_with(machine: &mut ThreadMachine, status: i32) -> Step {
        machine.call(|m, thread| exit(&mut m.memory, &mut m.threads, thread, status))
    }

    #[test]
    fn clears_its_word_and_wakes_who_joins() {
        let mut machine = ThreadMachine::new();
        let word = machine.memory.address(8);
        assert_eq!(machine.spawn(CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID, word), 3);
        assert_eq!(machine.memory.bytes(8, 4), 3u32.to_le_bytes());
        assert_eq!(machine.futex(8, FUTEX_WAIT, 3), Step::Switched(3, 0));
        assert_eq!(exit_with(&mut machine, 0), Step::Switched(2, 0));
        assert_eq!(machine.memory.bytes(8, 4), [0; 4]);
        assert_eq!(exit_with(&mut machine, 0x105), Step::Exited(5));
    }

    #[test]
    fn the_first_threads_status_counts() {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(exit_with(&mut machine, 4), Step::Switched(3, 0));
        assert_eq!(exit_with(&mut machine, 9), Step::Exited(4));
    }

    /// Head at 0, one lock with its list entry at 64 and its word at 72, one being locked at 128.
    #[test]
    fn held_futexes_are_released() {
        let mut machine = ThreadMachine::new();
        let at = |machine: &ThreadMachine, offset| machine.memory.address(offset).0 as u64;
        let words = [at(&machine, 64), 8, at(&machine, 128)];
        let head = machine.memory.put(0, &words.map(u64::to_le_bytes).concat());
        machine.memory.put(64, &at(&machine, 0).to_le_bytes());
        machine.memory.put(72, &(3 | FUTEX_WAITERS).to_le_bytes());
        machine.memory.put(136, &3u32.to_le_bytes());
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(machine.futex(72, FUTEX_WAIT, 3 | FUTEX_WAITERS), Step::Switched(3, 0));
        machine.current().robust_list = head;
        assert_eq!(exit_with(&mut machine, 0), Step::Switched(2, 0));
        assert_eq!(machine.memory.bytes(72, 4), (FUTEX_WAITERS | FUTEX_OWNER_DIED).to_le_bytes());
        assert_eq!(machine.memory.bytes(136, 4), FUTEX_OWNER_DIED.to_le_bytes());
    }

    /// The lock being unlocked has no owner any more, but remembers that one died: who waits for it is woken all the same.
    #[test]
    fn nobody_misses_that_an_owner_died() {
        let mut machine = ThreadMachine::new();
        let words = [machine.memory.address(0).0 as u64, 8, machine.memory.address(128).0 as u64];
        let head = machine.memory.put(0, &words.map(u64::to_le_bytes).concat());
        let word = FUTEX_OWNER_DIED | FUTEX_WAITERS;
        machine.memory.put(136, &word.to_le_bytes());
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(machine.futex(136, FUTEX_WAIT, word), Step::Switched(3, 0));
        machine.current().robust_list = head;
        assert_eq!(exit_with(&mut machine, 0), Step::Switched(2, 0));
        assert_eq!(machine.memory.bytes(136, 4), word.to_le_bytes());
    }

    #[test]
    fn a_bad_list_ends_the_walk_only() {
        for head in [[8, 0, 0], [usize::MAX as u64, 1, 2], [0, u64::MAX, u64::MAX]] {
            let mut machine = ThreadMachine::new();
            let at = machine.memory.put(0, &head.map(u64::to_le_bytes).concat());
            machine.current().robust_list = at;
            assert_eq!(exit_with(&mut machine, 1), Step::Exited(1));
        }
        let mut machine = ThreadMachine::new();
        let own = machine.memory.address(64).0 as u64; // an entry that leads to itself
        machine.memory.put(64, &own.to_le_bytes());
        let head = machine.memory.put(0, &[own, 0, 0].map(u64::to_le_bytes).concat());
        machine.current().robust_list = head;
        assert_eq!(exit_with(&mut machine, 1), Step::Exited(1));
    }
}
