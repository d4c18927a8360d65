//! A machine with threads for host tests: plays the trap handler's part around the hooks of `threads`.
#![cfg(test)]
#![allow(unsafe_code)]

use crate::abi::clone_flags::{CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::stop::Stop;
use crate::subsystems::clock::Clock;
use crate::subsystems::threads::{Threads, exchange, switch};
use crate::syscalls::thread::clone::clone;
use crate::syscalls::thread::futex::futex;
use crate::testing::{FakeMemory, FakePlatform};
use crate::thread::{A0, PC, PROCESS_ID, Thread};
use crate::user_memory::UserAddress;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// The flags of a plain thread.
pub const THREAD_FLAGS: u64 = (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD) as u64;

/// All that handlers of threads work on.
pub struct ThreadMachine {
    /// The program's memory.
    pub memory: FakeMemory,
    /// The scheduler.
    pub threads: Threads,
    /// The clock.
    pub clock: Clock,
    /// What the builder decided.
    pub boot: BootInfo,
    /// The console.
    pub platform: FakePlatform,
    current: NonNull<Thread>,
}

/// How a call ended, as the machine sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The caller goes on with this value.
    Returned(usize),
    /// The caller goes on with this error.
    Failed(Errno),
    /// Now this thread runs, with this value in a0.
    Switched(u32, i64),
    /// The program ended.
    Exited(i32),
    /// The kernel stopped.
    Stopped(Stop),
}

impl ThreadMachine {
    /// One thread and 4 KiB of memory.
    pub fn new() -> ThreadMachine {
        ThreadMachine {
            memory: FakeMemory::new(4096),
            threads: Threads::new(),
            clock: Clock::new(),
            boot: BootInfo::default(),
            platform: FakePlatform::new(),
            current: NonNull::from(Box::leak(Box::new(Thread::first()))),
        }
    }

    /// The running thread.
    pub fn current(&mut self) -> &mut Thread {
        // SAFETY: the running thread is the leaked first one or was given up by the scheduler.
        unsafe { self.current.as_mut() }
    }

    /// Lets the running thread make a call and does what the generated kernel does with the outcome.
    pub fn call(&mut self, handler: impl FnOnce(&mut ThreadMachine, &mut Thread) -> Outcome) -> Step {
        let mut current = self.current;
        // SAFETY: as in `current`; the machine itself does not touch the thread while the handler runs.
        let thread = unsafe { current.as_mut() };
        thread.frame.x[PC] += 4; // only what `switch` sees of it matters
        let outcome = handler(self, &mut *thread);
        match outcome {
            Ok(Leave::Return(value)) => Step::Returned(value),
            Err(Refusal::Errno(errno)) => Step::Failed(errno),
            Err(Refusal::Unsupported(what)) => Step::Stopped(Stop::Unsupported(what)),
            Ok(Leave::Exit(status)) => Step::Exited(status),
            Ok(leave) => {
                let next = match exchange(leave, &mut self.threads, &mut self.clock, thread) {
                    Some(next) => Some(next),
                    None => switch(leave, &mut self.threads, &mut self.clock, &mut self.platform, thread),
                };
                match next {
                    Some(next) => {
                        self.current = next;
                        let thread = self.current();
                        Step::Switched(thread.tid, thread.frame.x[A0] as i64)
                    }
                    None => Step::Stopped(Stop::Deadlock),
                }
            }
        }
    }

    /// Lets `choose` put the running thread where it belongs.
    pub fn turn(
        &mut self,
        choose: impl FnOnce(&mut ThreadMachine, &mut Thread) -> Option<NonNull<Thread>>,
    ) -> Option<Step> {
        let mut current = self.current;
        // SAFETY: as in `call`.
        self.current = choose(self, unsafe { current.as_mut() })?;
        let thread = self.current();
        Some(Step::Switched(thread.tid, thread.frame.x[A0] as i64))
    }

    /// `clone` of a plain thread with more flags; its id.
    pub fn spawn(&mut self, more_flags: u32, child_tid: UserAddress) -> u32 {
        let flags = THREAD_FLAGS | u64::from(more_flags);
        let step = self.call(|m, thread| {
            let result =
                clone(&mut m.memory, &mut m.threads, thread, flags, UserAddress(0x8000), child_tid, 7, child_tid);
            result.map(Leave::Return)
        });
        match step {
            Step::Returned(tid) => tid as u32,
            other => panic!("clone: {other:?}"),
        }
    }

    /// `futex` on the word at `offset`.
    pub fn futex(&mut self, offset: usize, operation: u32, value: u32) -> Step {
        self.futex_with(offset, operation, value, UserAddress::NULL, 0, 0)
    }

    /// `futex` with all its arguments, the second word at offset `second`.
    pub fn futex_with(
        &mut self,
        offset: usize,
        operation: u32,
        value: u32,
        timeout: UserAddress,
        second: usize,
        value3: u32,
    ) -> Step {
        let (address, second) = (self.memory.address(offset), self.memory.address(second));
        self.call(|m, thread| {
            let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
            futex(memory, threads, clock, &m.boot, thread, address, operation, value, timeout, second, value3)
        })
    }

    /// `sched_yield`.
    pub fn yield_now(&mut self) -> Step {
        self.call(|_, _| Ok(Leave::Yield))
    }

    /// Puts a timespec of `nanoseconds` at `offset`.
    pub fn put_time(&mut self, offset: usize, nanoseconds: u64) -> UserAddress {
        self.memory
            .put(offset, &[nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000].map(u64::to_le_bytes).concat())
    }
}

#[test]
fn turns_are_taken_in_order() {
    let mut machine = ThreadMachine::new();
    let tids = [(); 3].map(|()| machine.spawn(0, UserAddress::NULL));
    for _ in 0..2 {
        for tid in tids.into_iter().chain([PROCESS_ID]) {
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
        }
    }
}

#[test]
fn many_threads_come_and_go() {
    let mut machine = ThreadMachine::new();
    for round in 0..3 {
        let tids: Vec<u32> = (0..300).map(|_| machine.spawn(0, UserAddress::NULL)).collect();
        assert_eq!(tids.first(), Some(&(PROCESS_ID + 1 + round * 300)));
        assert_eq!(machine.yield_now(), Step::Switched(tids[0], 0));
        for &next in tids.iter().skip(1).chain([&PROCESS_ID]) {
            assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 9))), Step::Switched(next, 0));
        }
    }
    assert!(machine.threads.is_alone() && machine.threads.nobody_waits());
}
