//! `clone3(2)`: <https://man7.org/linux/man-pages/man2/clone.2.html>. Supported: threads as pthread_create makes them,
//! as with `clone`; not supported: processes, namespaces, set_tid, cgroups. Errors: EINVAL, EFAULT, E2BIG, EAGAIN.

use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::threads::Threads;
use crate::syscalls::thread::clone::clone;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(435 => clone3);

/// Size of the first version of `struct clone_args`, and of the one that Linux 6.12 knows.
const FIRST_BYTES: usize = 64;
const KNOWN_BYTES: usize = 88;
/// A size that no version will have (PAGE_SIZE).
const MOST_BYTES: usize = 4096;

/// Flags that are not for clone3: CSIGNAL and CLONE_DETACHED.
const NOT_HERE: u64 = 0xff | 0x40_0000;
/// CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP.
const BEYOND_32_BITS: u64 = 0x3_0000_0000;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_PARENT: u64 = 0x8000;

/// Makes a thread as the `len_bytes` bytes of `struct clone_args` at `address` say.
pub fn clone3(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &Thread,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    if len_bytes > MOST_BYTES {
        return Err(Errno::E2BIG.into());
    }
    if len_bytes < FIRST_BYTES {
        return Err(Errno::EINVAL.into());
    }
    // What this version does not know must be zero (lib/usercopy.c, copy_struct_from_user).
    if memory.slice(address, len_bytes)?.iter().skip(KNOWN_BYTES).any(|&byte| byte != 0) {
        return Err(Errno::E2BIG.into());
    }
    let word = |index: usize| match 8 * index < len_bytes {
        true => memory.read_u64(address.add(8 * index)),
        false => Ok(0),
    };
    let (flags, child_tid, parent_tid, exit_signal) = (word(0)?, word(2)?, word(3)?, word(4)?);
    let (stack, stack_bytes, thread_pointer) = (word(5)?, word(6)?, word(7)?);
    let (tids, tid_count, cgroup) = (word(8)?, word(9)?, word(10)?);
    let is_wrong = flags & NOT_HERE != 0
        || flags & !(u64::from(u32::MAX) | BEYOND_32_BITS) != 0
        || exit_signal > 64
        || flags & (CLONE_THREAD | CLONE_PARENT) != 0 && exit_signal != 0
        || flags & CLONE_SIGHAND != 0 && flags & (1 << 32) != 0
        || (stack == 0) != (stack_bytes == 0)
        || (tids == 0) != (tid_count == 0)
        || tid_count > 32;
    if is_wrong {
        return Err(Errno::EINVAL.into());
    }
    // Whatever else it asks for, a process is not to be had: `clone` says so.
    let is_thread = flags & CLONE_THREAD != 0;
    if is_thread && (tid_count != 0 || flags & BEYOND_32_BITS != 0 || cgroup != 0 && flags & (1 << 33) != 0) {
        return Err(Refusal::Unsupported("clone3 with set_tid, CLONE_CLEAR_SIGHAND or CLONE_INTO_CGROUP"));
    }
    let [parent_tid, child_tid] = [parent_tid, child_tid].map(|address| UserAddress(address as usize));
    let stack = UserAddress(stack.wrapping_add(stack_bytes) as usize);
    clone(memory, threads, thread, flags | exit_signal, stack, parent_tid, thread_pointer, child_tid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Leave;
    use crate::stop::Stop;
    use crate::testing_threads::{Step, THREAD_FLAGS, ThreadMachine};
    use crate::thread::{SP, TP};

    fn call(machine: &mut ThreadMachine, words: [u64; 11], len_bytes: usize) -> Step {
        let at = machine.memory.put(256, &words.map(u64::to_le_bytes).concat());
        machine.call(|m, thread| clone3(&mut m.memory, &mut m.threads, thread, at, len_bytes).map(Leave::Return))
    }

    #[test]
    fn a_thread_on_its_stack() {
        let mut machine = ThreadMachine::new();
        let at = machine.memory.address(0).0 as u64;
        let flags = THREAD_FLAGS | 0x8_0000 | 0x10_0000; // SETTLS, PARENT_SETTID
        let words = [flags, 0, 0, at, 0, 0x7000, 0x1000, 55, 0, 0, 0];
        assert_eq!(call(&mut machine, words, 88), Step::Returned(3));
        assert_eq!(machine.memory.bytes(0, 4), [3, 0, 0, 0]);
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        assert_eq!((machine.current().frame.x[SP], machine.current().frame.x[TP]), (0x8000, 55));
    }

    #[test]
    fn what_is_wrong() {
        let mut machine = ThreadMachine::new();
        let words = |flags, signal, stack, size, tids| [flags, 0, 0, 0, signal, stack, size, 0, tids, 0, 0];
        for (words, len_bytes, errno) in [
            (words(THREAD_FLAGS, 0, 0, 0, 0), 63, Errno::EINVAL),
            (words(THREAD_FLAGS, 0, 0, 0, 0), 5000, Errno::E2BIG),
            (words(THREAD_FLAGS, 17, 0, 0, 0), 64, Errno::EINVAL),
            (words(THREAD_FLAGS | 17, 0, 0, 0, 0), 64, Errno::EINVAL),
            (words(THREAD_FLAGS, 0, 0x1000, 0, 0), 64, Errno::EINVAL),
            (words(THREAD_FLAGS, 0, 0, 0, 1), 88, Errno::EINVAL),
            (words(1 << 40, 0, 0, 0, 0), 88, Errno::EINVAL),
        ] {
            assert_eq!(call(&mut machine, words, len_bytes), Step::Failed(errno), "{words:?}");
        }
        machine.memory.put(256 + 88, &[1]);
        assert_eq!(call(&mut machine, words(THREAD_FLAGS, 0, 0, 0, 0), 96), Step::Failed(Errno::E2BIG));
        assert!(matches!(call(&mut machine, words(0, 17, 0, 0, 0), 88), Step::Stopped(Stop::Unsupported(_))));
        // posix_spawn: CLONE_VM, CLONE_VFORK, CLONE_CLEAR_SIGHAND
        let spawn = call(&mut machine, words(0x1_0000_4100, 17, 0, 0, 0), 88);
        assert!(matches!(spawn, Step::Stopped(Stop::Unsupported(what)) if what.contains("fork")));
    }
}
