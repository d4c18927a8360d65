//! `clone(2)`: <https://man7.org/linux/man-pages/man2/clone.2.html>. Supported: threads as pthread_create and Go make them
//! (CLONE_VM, FS, FILES, SIGHAND, THREAD; SYSVSEM, SETTLS, PARENT_SETTID, CHILD_SETTID, CHILD_CLEARTID, DETACHED, IO, PTRACE,
//! UNTRACED as wanted); not supported: processes, namespaces. Errors: EINVAL, EAGAIN.

use crate::abi::clone_flags::{
    CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID, CLONE_SETTLS, CLONE_SIGHAND,
    CLONE_THREAD, CLONE_UNSUPPORTED, CLONE_VM,
};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::parked_thread::Start;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use core::ptr::NonNull;

syscall!(220 => clone);
quick!(clone_usually);

/// What every thread is made with, and nothing else by Go.
const PLAIN: u32 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
/// What C libraries ask for beside that.
const FOR_C: u32 = CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

/// A thread as C libraries or Go make them: its id and itself, of whose frame pc, gp and callee-saved registers are still missing.
pub fn clone_usually(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &Thread,
    flags: u64,
    stack: UserAddress,
    parent_tid: UserAddress,
    thread_pointer: u64,
    child_tid: UserAddress,
) -> Option<(u32, NonNull<Thread>)> {
    let flags = flags as u32 & (PLAIN | FOR_C | CLONE_CHILD_SETTID | CLONE_UNSUPPORTED);
    let is_for_c = flags == PLAIN | FOR_C;
    if !is_for_c && flags != PLAIN || stack.is_null() {
        return None;
    }
    let start = Start {
        stack: stack.0 as u64,
        thread_pointer: is_for_c.then_some(thread_pointer),
        clear_child_tid: if is_for_c { child_tid } else { UserAddress::NULL },
    };
    threads.create_quickly(memory, thread, start, is_for_c.then_some(parent_tid))
}

/// Makes a thread that goes on behind the call with the caller's registers, but a0 = 0, sp = `stack` (unless null) and
/// tp = `thread_pointer` (with CLONE_SETTLS). Returns its id. The order of the last two arguments is RISC-V's.
pub fn clone(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &Thread,
    flags: u64,
    stack: UserAddress,
    parent_tid: UserAddress,
    thread_pointer: u64,
    child_tid: UserAddress,
) -> SysResult {
    let flags = flags as u32;
    let has = |wanted: u32| flags & wanted != 0;
    if has(CLONE_THREAD) && !has(CLONE_SIGHAND) || has(CLONE_SIGHAND) && !has(CLONE_VM) {
        return Err(Errno::EINVAL.into());
    }
    if !has(CLONE_THREAD) {
        return Err(Refusal::Unsupported("clone of a process (fork): one image is one process"));
    }
    if has(CLONE_UNSUPPORTED) || !has(CLONE_FS) || !has(CLONE_FILES) {
        return Err(Refusal::Unsupported("clone of a thread that does not share files, directory and namespaces"));
    }
    let start = Start {
        stack: stack.0 as u64,
        thread_pointer: has(CLONE_SETTLS).then_some(thread_pointer),
        clear_child_tid: if has(CLONE_CHILD_CLEARTID) { child_tid } else { UserAddress::NULL },
    };
    let tid = threads.create(thread, start)?;
    // A bad address is no error here (kernel/fork.c).
    if has(CLONE_PARENT_SETTID) {
        let _ = memory.write_u32(parent_tid, tid);
    }
    if has(CLONE_CHILD_SETTID) {
        let _ = memory.write_u32(child_tid, tid);
    }
    Ok(tid as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Leave;
    use crate::stop::Stop;
    use crate::testing_threads::{Step, THREAD_FLAGS, ThreadMachine};
    use crate::thread::{SP, TP};

    fn call(machine: &mut ThreadMachine, flags: u64) -> Step {
        let (stack, at) = (UserAddress(0x7000), machine.memory.address(0));
        machine.call(|m, thread| {
            clone(&mut m.memory, &mut m.threads, thread, flags, stack, at, 55, at.add(8)).map(Leave::Return)
        })
    }

    #[test]
    fn stores_ids_and_sets_registers() {
        let mut machine = ThreadMachine::new();
        machine.current().signal_mask = 3;
        let more = CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
        assert_eq!(call(&mut machine, THREAD_FLAGS | u64::from(more)), Step::Returned(3), "the parent goes on");
        assert_eq!((machine.memory.bytes(0, 4), machine.memory.bytes(8, 4)), (&[3, 0, 0, 0][..], &[3, 0, 0, 0][..]));
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        let at = machine.memory.address(8);
        let child = machine.current();
        assert_eq!((child.frame.x[SP], child.frame.x[TP]), (0x7000, 55));
        assert_eq!((child.clear_child_tid, child.signal_mask), (at, 3));
    }

    /// What is quick comes to the same, but for what assembly adds, and does nothing where it is not.
    #[test]
    fn quickly_or_not_at_all() {
        let mut machine = ThreadMachine::new();
        let at = machine.memory.address(0);
        let usual = THREAD_FLAGS | u64::from(CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID);
        let quick = |machine: &mut ThreadMachine, flags, stack, parent_tid| {
            let mut parent = machine.current().clone();
            parent.frame.x = core::array::from_fn(|register| 100 + register as u64);
            let (memory, threads) = (&mut machine.memory, &mut machine.threads);
            clone_usually(memory, threads, &parent, flags, UserAddress(stack), parent_tid, 55, at.add(8))
        };
        assert_eq!(quick(&mut machine, usual, 0x7000, at), None, "there is no room yet");
        assert_eq!(machine.spawn(0, UserAddress::NULL), 3);
        machine.yield_now();
        machine.current().frame.x.fill(1);
        machine.call(|m, thread| Ok(m.threads.exit(thread, 0)));
        let settid = u64::from(CLONE_CHILD_SETTID);
        for (flags, stack, parent_tid) in [
            (THREAD_FLAGS | u64::from(CLONE_SETTLS), 0x7000, at),
            (usual | settid, 0x7000, at),
            (usual | 0x4000_0000, 0x7000, at),
            (usual ^ u64::from(CLONE_VM), 0x7000, at),
            (usual, 0, at),
            (usual, 0x7000, UserAddress(8)),
        ] {
            assert_eq!(quick(&mut machine, flags, stack, parent_tid), None, "{flags:#x} {stack:#x}");
        }
        machine.current().signal_mask = 5;
        let made = quick(&mut machine, usual, 0x7000, at).map(|(tid, _)| tid);
        assert_eq!((made, machine.memory.bytes(0, 4)), (Some(4), &[4, 0, 0, 0][..]));
        assert_eq!(machine.yield_now(), Step::Switched(4, 0));
        let child = machine.current();
        assert_eq!((child.tid, child.signal_mask, child.clear_child_tid, child.leave), (4, 5, at.add(8), 0));
        for register in [1, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31] {
            assert_eq!(child.frame.x[register], 100 + register as u64);
        }
        assert_eq!((child.frame.x[SP], child.frame.x[TP], child.frame.continuation), (0x7000, 55, 0));
        assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 0))), Step::Switched(2, 0));
        assert_eq!(quick(&mut machine, THREAD_FLAGS, 0x7000, UserAddress(8)).map(|(tid, _)| tid), Some(5));
        assert_eq!(machine.yield_now(), Step::Switched(5, 0));
        let child = machine.current();
        assert_eq!((child.frame.x[TP], child.clear_child_tid), (104, UserAddress::NULL));
        assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 0))), Step::Switched(2, 0));
        machine.current().float_state = 1;
        assert_eq!(quick(&mut machine, usual, 0x7000, at), None, "floating point was used");
    }

    #[test]
    fn what_is_no_thread() {
        let mut machine = ThreadMachine::new();
        for flags in [CLONE_THREAD, CLONE_THREAD | CLONE_VM, CLONE_SIGHAND] {
            assert_eq!(call(&mut machine, u64::from(flags)), Step::Failed(Errno::EINVAL));
        }
        for flags in [17, THREAD_FLAGS ^ u64::from(CLONE_FILES), THREAD_FLAGS | 0x4000_0000, 0x4111] {
            assert!(matches!(call(&mut machine, flags), Step::Stopped(Stop::Unsupported(_))));
        }
    }
}
