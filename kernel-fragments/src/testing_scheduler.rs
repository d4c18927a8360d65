//! What the scheduler (`subsystems/threads.rs`) does, played on the machine of `testing_threads.rs`.
#![cfg(test)]

use crate::stop::Stop;
use crate::subsystems::requeueing::requeue_waiters;
use crate::testing_threads::{Step, ThreadMachine};
use crate::thread::Wait;
use crate::thread::{PC, PROCESS_ID, SP, TP, Thread, Unfinished};
use crate::user_memory::UserAddress;
use alloc::string::String;

#[test]
fn newborns_get_the_registers_their_parent_had() {
    let mut machine = ThreadMachine::new();
    machine.current().frame.x[8] = 88;
    machine.current().frame.f[9] = 99;
    machine.current().float_state = 1; // as entry names it
    let tid = machine.spawn(0, UserAddress::NULL);
    assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
    let frame = &machine.current().frame;
    assert_eq!((frame.x[8], frame.f[9], frame.x[SP], frame.x[TP]), (88, 99, 0x8000, 0));
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
fn the_clock_jumps_when_everybody_sleeps() {
    let mut machine = ThreadMachine::new();
    let tid = machine.spawn(0, UserAddress::NULL);
    let mut sleep =
        |deadline| machine.call(|m, thread| Ok(m.threads.wait(thread, Wait::Sleep(UserAddress::NULL), Some(deadline))));
    assert_eq!(sleep(9_000_000), Step::Switched(tid, 0));
    assert_eq!(sleep(5_000_000), Step::Switched(tid, 0));
    assert_eq!(machine.clock.now_ns(), 5_000_000);
    assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
    assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 1))), Step::Switched(PROCESS_ID, 0));
    assert_eq!(machine.clock.now_ns(), 9_000_000);
    assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 2))), Step::Exited(2));
}

#[test]
fn a_call_that_waited_for_an_event_is_made_again() {
    let mut machine = ThreadMachine::new();
    let tid = machine.spawn(0, UserAddress::NULL);
    let pc = machine.current().frame.x[PC];
    let unfinished = Unfinished { deadline_ns: Some(9_000_000), ..Unfinished::NONE };
    let mut wait =
        |argument| machine.call(|m, thread| Ok(m.threads.wait_for_event(thread, argument, [].into_iter(), unfinished)));
    assert_eq!(wait(5), Step::Switched(tid, 0));
    assert_eq!(wait(6), Step::Switched(PROCESS_ID, 5));
    assert_eq!((machine.current().frame.x[PC], machine.clock.now_ns()), (pc, 9_000_000));
    assert!(machine.current().unfinished.is_waiting);
}

#[test]
fn deadlock_names_everybody() {
    let mut machine = ThreadMachine::new();
    let tid = machine.spawn(0, UserAddress::NULL);
    let address = machine.memory.address(64);
    let wait = |m: &mut ThreadMachine, thread: &mut Thread| Ok(m.threads.wait(thread, Wait::Futex(address, 1), None));
    assert_eq!(machine.call(wait), Step::Switched(tid, 0));
    let elsewhere = machine.memory.address(72);
    assert_eq!(requeue_waiters(&mut machine.threads, address, elsewhere, 1), 1);
    assert_eq!(requeue_waiters(&mut machine.threads, elsewhere, address, 1), 1);
    assert_eq!(machine.call(wait), Step::Stopped(Stop::Deadlock));
    let text = String::from_utf8_lossy(&machine.platform.error).into_owned();
    assert_eq!(text.lines().count(), 2);
    assert!(text.starts_with("zeroos: thread 2 waits for a wake of the futex at 0x10040, pc 0x"), "{text}");
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
    assert!(machine.threads.is_alone());
    assert!(machine.threads.nobody_waits());
}
