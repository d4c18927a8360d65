//! Calls on signals, timers, clocks, futexes and scheduling. Handlers write down which signal came. A signal is only sent when
//! it has a handler, is ignored, or is blocked for good, and no timer is ever due.

use super::{Generator, HANDLER, IN_ARENA, NOWHERE, OWN_PID, SCRATCH, STRUCTURE};

/// Calls of one sequence.
const CALLS: usize = 90;

/// SIGUSR1, SIGUSR2, SIGTERM, two real-time ones: all have handlers from the start.
const HANDLED: [u64; 5] = [10, 12, 15, 40, 41];
/// Signals that queue up at most.
const MOST_QUEUED: u64 = 20;

const SIG_BLOCK: u64 = 0;
const SIG_UNBLOCK: u64 = 1;
const SIG_SETMASK: u64 = 2;

const fn set_of(signal: u64) -> u64 {
    1 << (signal - 1)
}

impl Generator {
    pub(super) fn signals(&mut self) {
        for signal in HANDLED {
            self.set_handler(signal, 0, 0);
        }
        let mut sent = 0;
        for _ in 0..CALLS {
            match self.random.below(10) {
                0 | 1 => self.mask_call(),
                2 | 3 => self.send(&mut sent),
                4 => self.action_call(),
                5 => self.take_call(),
                6 => self.timer_call(),
                7 => self.clock_call(),
                8 => self.futex_call(),
                _ => self.scheduling_call(),
            }
        }
        // What is still pending arrives.
        self.poke(STRUCTURE, 0);
        self.call(135, &[SIG_SETMASK, IN_ARENA | STRUCTURE, 0, 8]);
    }

    fn set_handler(&mut self, signal: u64, flags: u64, mask: u64) {
        self.poke(STRUCTURE + 32, HANDLER);
        self.poke(STRUCTURE + 40, flags);
        self.poke(STRUCTURE + 48, mask);
        self.call(134, &[signal, IN_ARENA | (STRUCTURE + 32), IN_ARENA | (STRUCTURE + 64), 8]);
    }

    /// Some of the signals that have handlers, and perhaps others.
    fn set(&mut self) -> u64 {
        let mut set = 0;
        for signal in HANDLED {
            if self.random.below(2) == 0 {
                set |= set_of(signal);
            }
        }
        set | self.random.one_of(&[0, 0, set_of(9) | set_of(19), set_of(1) | set_of(64)])
    }

    fn mask_call(&mut self) {
        let set = self.set();
        self.poke(STRUCTURE, set);
        let (how, bytes) = self.random.one_of(&[
            (SIG_BLOCK, 8),
            (SIG_BLOCK, 8),
            (SIG_UNBLOCK, 8),
            (SIG_SETMASK, 8),
            (9, 8),
            (SIG_BLOCK, 16),
        ]);
        let (new, old) = (IN_ARENA | STRUCTURE, IN_ARENA | (STRUCTURE + 8));
        match self.random.below(8) {
            0 => self.call(135, &[how, 0, old, bytes]),
            1 => self.call(135, &[how, NOWHERE, old, bytes]),
            2 => self.call(136, &[IN_ARENA | (STRUCTURE + 16), bytes]),
            _ => self.call(135, &[how, new, old, bytes]),
        }
    }

    fn send(&mut self, sent: &mut u64) {
        *sent += 1;
        let signal = if *sent > MOST_QUEUED { 10 } else { self.random.one_of(&HANDLED) };
        match self.random.below(8) {
            0 => self.call(129, &[OWN_PID, signal]),
            1 => self.call(130, &[OWN_PID, signal]),
            2 | 3 => self.call(131, &[OWN_PID, OWN_PID, signal]),
            4 => {
                // As sigqueue: SI_QUEUE, with a value.
                for (word, value) in [signal, 0xffff_ffff, 0, 1234].into_iter().enumerate() {
                    self.poke(STRUCTURE + 128 + 8 * word as u64, value);
                }
                self.call(138, &[OWN_PID, signal, IN_ARENA | (STRUCTURE + 128)]);
            }
            5 => {
                let signal = self.random.one_of(&[0, 65, u64::MAX]);
                self.call(129, &[OWN_PID, signal]);
            }
            // No such thread; no thread at all.
            6 => self.call(130, &[0x3f_ffff, signal]),
            _ => {
                let (group, thread) = self.random.one_of(&[(0, OWN_PID), (OWN_PID, 0), (0x3f_ffff, OWN_PID)]);
                self.call(131, &[group, thread, signal]);
            }
        }
    }

    fn action_call(&mut self) {
        let signal = self.random.one_of(&HANDLED);
        match self.random.below(6) {
            // SA_SIGINFO, SA_RESTART, SA_NODEFER, an unknown bit.
            0..=2 => {
                let flags = self.random.one_of(&[0, 4, 0x1000_0000, 0x4000_0000, 0x400]);
                let mask = self.set();
                self.set_handler(signal, flags, mask);
            }
            3 => {
                let signal = self.random.one_of(&[9, 19, 0, 65]);
                self.set_handler(signal, 0, 0);
            }
            4 => {
                let signal = self.random.one_of(&[signal, 1, 9, 0, 65]);
                self.call(134, &[signal, 0, IN_ARENA | (STRUCTURE + 64), 8]);
            }
            _ => {
                // A stack of its own: what it was, a new one, one that is too small, one with wrong flags.
                let (size, flags) = self.random.one_of(&[(8192, 0), (100, 0), (8192, 8), (0, 2)]);
                self.poke(STRUCTURE + 96, SCRATCH);
                self.poke(STRUCTURE + 104, flags);
                self.poke(STRUCTURE + 112, size);
                let (new, old) = (IN_ARENA | (STRUCTURE + 96), IN_ARENA | (STRUCTURE + 160));
                let new = self.random.one_of(&[new, new, 0]);
                self.call(132, &[new, old]);
            }
        }
    }

    /// Takes a pending signal without waiting, or waits for one that is there.
    fn take_call(&mut self) {
        let set = self.set();
        self.poke(STRUCTURE, set);
        self.poke(STRUCTURE + 16, 0);
        let nanoseconds = self.random.one_of(&[0, 0, 0, 1000, 1_000_000_000, u64::MAX]);
        self.poke(STRUCTURE + 24, nanoseconds);
        let bytes = self.random.one_of(&[8, 8, 8, 4]);
        let time = IN_ARENA | (STRUCTURE + 16);
        if self.random.below(4) == 0 {
            // Blocks a signal, sends it, and has its handler called while it waits.
            self.set_handler(12, 0, 0);
            self.poke(STRUCTURE, set_of(12));
            self.call(135, &[SIG_BLOCK, IN_ARENA | STRUCTURE, 0, 8]);
            self.call(131, &[OWN_PID, OWN_PID, 12]);
            self.poke(STRUCTURE, !set_of(12));
            self.call(133, &[IN_ARENA | STRUCTURE, 8]);
        } else {
            self.call(137, &[IN_ARENA | STRUCTURE, SCRATCH, time, bytes]);
        }
    }

    fn timer_call(&mut self) {
        let timer = IN_ARENA | (STRUCTURE + 200);
        // An interval and a time, far away.
        let (seconds, nanoseconds) = self.random.one_of(&[(1000, 5), (0, 0), (1000, 1_000_000_000), (u64::MAX, 0)]);
        for (word, value) in [7, 0, seconds, nanoseconds].into_iter().enumerate() {
            self.poke(STRUCTURE + 208 + 8 * word as u64, value);
        }
        let new = IN_ARENA | (STRUCTURE + 208);
        let id = self.random.below(4);
        match self.random.below(9) {
            0 => {
                let clock = self.random.one_of(&[0, 1, 7, 99]);
                self.call(107, &[clock, 0, timer]);
            }
            1 => {
                // SIGEV_SIGNAL, SIGEV_NONE, nothing known; a signal that is none.
                let (notify, signal) = self.random.one_of(&[(0, 10), (1, 0), (9, 10), (0, 77)]);
                self.poke(STRUCTURE + 240, 0);
                self.poke(STRUCTURE + 248, signal | notify << 32);
                self.poke(STRUCTURE + 256, 0);
                self.call(107, &[1, IN_ARENA | (STRUCTURE + 240), timer]);
            }
            2 => self.call(110, &[id, 0, new, SCRATCH]),
            3 => self.call(108, &[id, SCRATCH]),
            4 => self.call(109, &[id]),
            5 => self.call(111, &[id]),
            6 => {
                let which = self.random.one_of(&[0, 0, 9]);
                // Microseconds here: a billion of them is too many, too.
                self.call(103, &[which, new, SCRATCH]);
            }
            7 => {
                let which = self.random.one_of(&[0, 9]);
                self.call(102, &[which, SCRATCH]);
            }
            _ => {
                let (clock, flags) = self.random.one_of(&[(1, 0o4000), (0, 0), (99, 0), (1, 1)]);
                self.make(85, &[clock, flags]);
                let fd = self.fd();
                self.call(86, &[fd, 0, new, SCRATCH]);
            }
        }
    }

    fn clock_call(&mut self) {
        let clock = self.random.one_of(&[0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 99, u64::MAX]);
        let at = STRUCTURE + 304;
        let time = IN_ARENA | at;
        match self.random.below(6) {
            0 => self.call(113, &[clock, SCRATCH]),
            1 => self.call(113, &[clock, NOWHERE]),
            2 => {
                let place = self.random.one_of(&[time, time, 0, NOWHERE]);
                self.call(114, &[clock, place]);
            }
            3 | 4 => {
                // Sleeping by CPU time is left out.
                let clock = if clock == 2 { 3 } else { clock };
                let nanoseconds = self.random.one_of(&[0, 1, 1000, 1_000_000_000, u64::MAX]);
                let seconds = self.random.one_of(&[0, 0, 0, u64::MAX]);
                self.poke(at, seconds);
                self.poke(at + 8, nanoseconds);
                let flags = self.random.one_of(&[0, 1, 2]);
                self.call(115, &[clock, flags, time, SCRATCH]);
            }
            _ => {
                let clock = self.random.one_of(&[1, 2, 5, 99]);
                self.call(112, &[clock, NOWHERE]);
            }
        }
    }

    fn futex_call(&mut self) {
        let (word, other) = (STRUCTURE + 320, STRUCTURE + 328);
        let (value, expected) = (self.random.below(3), self.random.below(3));
        self.poke(word, value);
        self.poke(other, self.steps.len() as u64 & 0xff);
        // A time that has passed, or is none.
        let nanoseconds = self.random.one_of(&[0, 1, 1_000_000_000, u64::MAX]);
        self.poke(STRUCTURE + 336, 0);
        self.poke(STRUCTURE + 344, nanoseconds);
        let (address, time) = (IN_ARENA | word, IN_ARENA | (STRUCTURE + 336));
        let private = self.random.one_of(&[0, 128]);
        match self.random.below(8) {
            0 => self.call(98, &[address, private, expected, time]),
            // WAIT_BITSET: until a time.
            1 => {
                let bits = self.random.one_of(&[1, 0, 0xffff_ffff]);
                self.call(98, &[address, 9 | private, expected, time, 0, bits]);
            }
            2 => self.call(98, &[address + 2, private, value, time]),
            3 => {
                let bits = self.random.one_of(&[1, 0]);
                self.call(98, &[address, 10 | private, 1, 0, 0, bits]);
            }
            // REQUEUE, CMP_REQUEUE.
            4 => self.call(98, &[address, 3 | private, 1, 1, IN_ARENA | other]),
            5 => self.call(98, &[address, 4 | private, 1, 1, IN_ARENA | other, expected]),
            6 => {
                // WAKE_OP: an operation, a comparison, their operands; a shift by the operand.
                let operation = self.random.below(6) << 28 | self.random.below(7) << 24;
                let operands = self.random.below(40) << 12 | self.random.below(4);
                let shift = self.random.one_of(&[0, 8 << 28]);
                self.call(98, &[address, 5 | private, 1, 1, IN_ARENA | other, operation | shift | operands]);
            }
            _ => {
                // An unknown operation; a lock that is taken, given back, and not there to be given back.
                let operation = self.random.one_of(&[77, 14]);
                self.call(98, &[address, operation, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 6 | private, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 6 | private, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 7 | private, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 7 | private, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 8 | private, 0, 0]);
                self.call(98, &[SCRATCH + 2048, 7 | private, 0, 0]);
            }
        }
    }

    fn scheduling_call(&mut self) {
        let place = STRUCTURE + 360;
        let address = IN_ARENA | place;
        match self.random.below(10) {
            0 => {
                let policy = self.random.below(9);
                self.call(125, &[policy]);
            }
            1 => {
                let policy = self.random.below(9);
                self.call(126, &[policy]);
            }
            2 => {
                let tid = self.random.one_of(&[0, OWN_PID, u64::MAX]);
                self.call(120, &[tid]);
            }
            3 => {
                let tid = self.random.one_of(&[0, OWN_PID, u64::MAX]);
                self.call(121, &[tid, address]);
            }
            4 => {
                let priority = self.random.below(2);
                self.poke(place, priority);
                self.call(118, &[0, address]);
            }
            5 => {
                let (which, value) = self.random.one_of(&[(0, 3), (0, 100), (0, (-100i64).cast_unsigned()), (5, 0)]);
                self.call(140, &[which, 0, value]);
            }
            6 => {
                let which = self.random.one_of(&[0, 9]);
                self.call(141, &[which, 0]);
            }
            7 => {
                let tid = self.random.one_of(&[0, OWN_PID, u64::MAX]);
                self.call(127, &[tid, address]);
            }
            8 => {
                let (command, flags) = self.random.one_of(&[(0, 1), (99, 0), (8, 1)]);
                self.call(283, &[command, flags]);
            }
            _ => self.call(100, &[0, address, IN_ARENA | (place + 8)]),
        }
    }
}
