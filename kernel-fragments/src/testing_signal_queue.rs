//! What becomes of signals that wait: beyond the limit, without memory, of threads that end, and of timers that are gone.
#![cfg(test)]

use crate::abi::signal::{Action, SIG_IGN, SIGPIPE, SIGTERM, set_of};
use crate::abi::signal_info::{SI_QUEUE, SignalInfo};
use crate::errno::Errno;
use crate::subsystems::signal_limit::{Charge, LOST, set_limit};
use crate::subsystems::signal_queue::{FEW, Lines, SignalQueue};
use crate::subsystems::signals::{Signals, Taken};
use crate::testing_allocator::without_memory_for;
use crate::thread::Thread;

const ROOT: Charge = Charge::User(0);

fn told(value: u64) -> SignalInfo {
    SignalInfo { code: SI_QUEUE, words: [0, value] }
}

/// What is lost is what was to be told, and only if nothing else is: of the one that is next it is told.
#[test]
fn beyond_the_limit_something_is_pending() {
    let mut signals = SignalQueue::new();
    let queue = signals.started().expect("there is memory");
    let sent = SignalInfo::sent(false);
    set_limit(1);
    assert_eq!((queue.push(0, 40, sent, ROOT), queue.push(0, 40, sent, ROOT)), (Ok(()), Ok(())));
    assert_eq!(queue.push(0, SIGTERM, told(1), ROOT), Ok(()));
    assert_eq!((queue.take(0, 40), queue.take(0, SIGTERM)), ((sent, false), (LOST, false)));
    assert_eq!((queue.push(3, 41, sent, ROOT), queue.push(0, SIGTERM, told(1), ROOT)), (Ok(()), Ok(())));
    set_limit(2);
    assert_eq!(queue.push(0, SIGTERM, told(2), ROOT), Ok(()));
    assert_eq!((queue.take(0, SIGTERM), queue.queued(0)), ((told(2), false), 1));
    set_limit(0);
    assert_eq!((queue.push(0, SIGTERM, sent, ROOT), queue.queued(0)), (Ok(()), 2), "that is always told");
    assert_eq!((queue.push(3, 42, sent, ROOT), queue.push(3, 42, told(1), ROOT)), (Ok(()), Err(Errno::EAGAIN)));
    queue.forget(3, 42);
    assert_eq!((queue.take(0, SIGTERM), queue.take(3, 41), queue.queued(0)), ((sent, false), (sent, false), 0));
}

/// Threads that come and go, and leave something behind each, where no limit ever has anybody look.
#[test]
fn what_threads_leave_behind_does_not_grow() {
    let (mut signals, mut lasting) = (Signals::new(), Thread { signal_mask: u64::MAX, ..Thread::first() });
    set_limit(u64::MAX);
    let needed = 100;
    for value in 0..needed {
        assert_eq!(signals.queue_to_thread(&mut lasting, 40, told(value)), Ok(()));
    }
    for tid in 3..if cfg!(miri) { 300 } else { 3000 } {
        let mut ending = Thread { tid, signal_mask: u64::MAX, ..Thread::first() };
        assert_eq!(signals.send_broken_pipe(&mut ending, |tid| tid == lasting.tid), Ok(()));
        assert_eq!(ending.pending_signals, set_of(SIGPIPE));
    }
    let lines = signals.queue.lines().expect("signals were sent");
    assert!((needed..=2 * needed + FEW).contains(&lines.queued(0)));
    assert!((0..needed).all(|value| lines.take(lasting.tid, 40).0 == told(value)));
}

/// With the timer its place is free, or once its signal is taken.
#[test]
fn a_timer_that_is_gone() {
    let mut signals = SignalQueue::new();
    let queue = signals.started().expect("there is memory");
    let info = SignalInfo::of_timer(7, 0, 0);
    set_limit(2);
    assert_eq!(queue.reserve(0), Ok(()));
    assert_eq!(queue.reserve(0), Ok(()));
    queue.disown(8, 0);
    assert_eq!((queue.queued(0), queue.push(0, 40, info, Charge::Timer(7))), (1, Ok(())));
    queue.disown(7, 0);
    assert_eq!((queue.queued(0), queue.of_timer(7)), (1, None));
    assert_eq!((queue.take(0, 40), queue.queued(0)), ((info, false), 0));
    assert_eq!(queue.reserve(0), Ok(()));
    assert_eq!(queue.push(0, 40, info, Charge::Timer(7)), Ok(()));
    queue.forget(0, 40);
    queue.disown(7, 0);
    assert_eq!((queue.queued(0), queue.is_lost(7)), (0, false));
}

/// Where there is no memory for a queue, a signal is beyond the limit, and is pending nevertheless.
#[test]
fn without_a_queue() {
    let (mut signals, mut thread) = (Signals::new(), Thread { signal_mask: u64::MAX, ..Thread::first() });
    let told = SignalInfo { code: -1, words: [2, 77] };
    without_memory_for(size_of::<Lines>(), || {
        assert_eq!(signals.queue_to_thread(&mut thread, SIGTERM, told), Ok(()));
        assert_eq!(signals.queue_to_process(&mut thread, 40, told), Err(Errno::EAGAIN));
        assert_eq!((signals.send_to_process(&mut thread, 41), signals.send_to_process(&mut thread, 42)), {
            (Ok(()), Ok(()))
        });
        signals.set_action(&mut thread, 42, Action { handler: SIG_IGN, flags: 0, mask: 0 });
        let taken = [(); 3].map(|()| signals.take(&mut thread, u64::MAX).map(|taken| (taken.signal, taken.info)));
        assert_eq!(taken, [Some((SIGTERM, LOST)), Some((41, LOST)), None]);
    });
    assert_eq!(signals.queue_to_process(&mut thread, 40, told), Ok(()));
    assert_eq!(signals.take(&mut thread, u64::MAX), Some(Taken { signal: 40, info: told }));
}
