//! What two or three threads do to each other: one waits, for a futex, a pipe, a counter, an event or a signal, and another ends that.
//! Each call is handed over when all threads rest, so it is determined who comes first. What two would race for is left out.

use super::{Generator, HANDLER, IN_ARENA, OWN_PID, SCRATCH, STRUCTURE, THREAD};

/// Calls of one sequence.
const CALLS: usize = 110;
/// Threads beside the first, which reads the script and must never wait.
const OTHERS: u64 = 3;

/// Where in the arena lie futex words, sets of signals, descriptors to poll and events, for each thread its own.
const WORDS: u64 = STRUCTURE + 0x100;
const SETS: u64 = STRUCTURE + 0x200;
const POLLED: u64 = STRUCTURE + 0x300;
const EVENTS: u64 = STRUCTURE + 0x400;
const BYTES: u64 = STRUCTURE + 0x500;
/// A number that calls write, and a time that has passed.
const NUMBER: u64 = STRUCTURE + 0x600;
const NO_TIME: u64 = STRUCTURE + 0x610;

/// Descriptors, by the order in which they are made: a pipe that is read, a counter, a pair of sockets, one for events, and a pipe
/// and a counter that are only looked at.
const READ_END: u64 = 3;
const WRITE_END: u64 = 4;
const COUNTER: u64 = 5;
const SOCKETS: [u64; 2] = [6, 7];
const INTEREST: u64 = 8;
const SEEN_READ_END: u64 = 9;
const SEEN_WRITE_END: u64 = 10;
const SEEN_COUNTER: u64 = 11;

/// Signals with handlers, and one that is taken by calls that wait for it.
const HANDLED: [u64; 2] = [10, 12];
const TAKEN: u64 = 40;

const fn set_of(signal: u64) -> u64 {
    1 << (signal - 1)
}

impl Generator {
    pub(super) fn threads(&mut self) {
        // Linux tells private futexes from others at the same address, so a sequence has one kind.
        self.private = self.random.one_of(&[0, 128]);
        // The first thread takes no signal: its sleep would end.
        self.poke(SETS, u64::MAX);
        self.call(135, &[0, IN_ARENA | SETS, 0, 8]);
        self.poke(NUMBER, 3);
        self.call(59, &[IN_ARENA | BYTES, 0]);
        self.call(19, &[0, 0]);
        self.call(199, &[1, 1, 0, IN_ARENA | BYTES]);
        self.call(20, &[0]);
        self.call(59, &[IN_ARENA | BYTES, 0o4000]);
        self.call(19, &[0, 0o4000]);
        for fd in [SEEN_READ_END, SEEN_COUNTER] {
            self.poke(EVENTS, 1);
            self.poke(EVENTS + 8, fd);
            self.call(21, &[INTEREST, 1, fd, IN_ARENA | EVENTS]);
        }
        for signal in HANDLED {
            let flags = self.random.one_of(&[0, 0x1000_0000]);
            self.handle(signal, flags);
        }
        for thread in 1..=OTHERS {
            self.poke(SETS + 32 * thread, set_of(HANDLED[0]) | set_of(HANDLED[1]));
            self.call_by(thread, 135, &[1, IN_ARENA | (SETS + 32 * thread), 0, 8]);
        }
        let others = self.random.one_of(&[2, OTHERS]);
        for _ in 0..CALLS {
            let thread = 1 + self.random.below(others);
            match self.random.below(16) {
                0 | 1 => self.wait_for_word(thread),
                2 => self.wait_for_bytes(thread),
                3 => self.wait_for_event(thread),
                4 => self.wait_for_signal(thread),
                5 => self.lock_call(thread),
                6..=9 => self.end_of_word(),
                10..=11 => self.end_of_bytes(),
                12 => self.end_of_event(),
                _ => self.send_to(thread),
            }
        }
        // What threads found is in the arena.
        self.call(super::PEEK, &[IN_ARENA | 0x3c00, 32]);
    }

    fn handle(&mut self, signal: u64, flags: u64) {
        self.poke(STRUCTURE + 32, HANDLER);
        self.poke(STRUCTURE + 40, flags);
        self.poke(STRUCTURE + 48, u64::MAX);
        self.call(134, &[signal, IN_ARENA | (STRUCTURE + 32), 0, 8]);
    }

    fn word(&mut self) -> u64 {
        IN_ARENA | (WORDS + 16 * self.random.below(3))
    }

    /// FUTEX_WAIT, FUTEX_WAIT_BITSET; most words are 0.
    fn wait_for_word(&mut self, thread: u64) {
        let (word, private) = (self.word(), self.private);
        let expected = self.random.one_of(&[0, 0, 0, 1]);
        match self.random.below(3) {
            0 => {
                let bits = self.random.one_of(&[1, 2, 3, 0xffff_ffff, 0]);
                self.call_by(thread, 98, &[word, 9 | private, expected, 0, 0, bits]);
            }
            _ => self.call_by(thread, 98, &[word, private, expected, 0]),
        }
    }

    /// Mostly the first thread, which never waits.
    fn whoever(&mut self) -> u64 {
        self.random.one_of(&[0, 0, 0, 0, 0, 1, 2, 3])
    }

    /// Some wake, some move waiters to another word, some change a word.
    fn end_of_word(&mut self) {
        let (word, other) = (self.word(), self.word());
        let private = self.private;
        let (first, second) = (self.random.one_of(&[0, 1, 1, 2, 9]), self.random.one_of(&[0, 1, 9]));
        let thread = self.whoever();
        match self.random.below(7) {
            0 | 1 => self.call_by(thread, 98, &[word, 1 | private, first]),
            2 => {
                let bits = self.random.one_of(&[1, 2, 4, 0xffff_ffff, 0]);
                self.call_by(thread, 98, &[word, 10 | private, first, 0, 0, bits]);
            }
            3 => self.call_by(thread, 98, &[word, 3 | private, first, second, other]),
            4 => {
                let expected = self.random.one_of(&[0, 0, 1]);
                self.call_by(thread, 98, &[word, 4 | private, first, second, other, expected]);
            }
            5 => {
                // The other word keeps its value: it is changed by adding 0 or by and, and compared.
                let operation = self.random.one_of(&[1 << 28, 2 << 28]) | self.random.below(6) << 24;
                let operation = operation | self.random.below(2);
                self.call_by(thread, 98, &[word, 5 | private, first, second, other, operation]);
            }
            _ => {
                let place = WORDS + 16 * self.random.below(3);
                let value = self.random.one_of(&[0, 0, 1]);
                self.poke(place, value);
            }
        }
    }

    /// Reads that wait.
    fn wait_for_bytes(&mut self, thread: u64) {
        let place = IN_ARENA | (BYTES + 32 * thread);
        // Of several that wait for the counter or for the socket, Linux's scheduler says who gets it; for the pipe they queue up.
        let own = [READ_END, COUNTER, SOCKETS[0], READ_END][thread as usize];
        let fd = self.random.one_of(&[READ_END, own]);
        let length = if fd == COUNTER { 8 } else { self.random.one_of(&[1, 4, 16]) };
        self.call_by(thread, 63, &[fd, place, length]);
    }

    /// Writes, each of which ends one read at most.
    fn end_of_bytes(&mut self) {
        let fd = self.random.one_of(&[WRITE_END, COUNTER, SOCKETS[1]]);
        let thread = self.whoever();
        self.call_by(thread, 64, &[fd, IN_ARENA | NUMBER, 8]);
    }

    /// ppoll, epoll_pwait.
    fn wait_for_event(&mut self, thread: u64) {
        let place = POLLED + 32 * thread;
        if self.random.below(2) == 0 {
            self.poke(place, 1 << 32 | SEEN_READ_END);
            self.poke(place + 8, 1 << 32 | SEEN_COUNTER);
            self.call_by(thread, 73, &[IN_ARENA | place, 2, 0, 0, 8]);
        } else {
            // Which of two events is told first is not compared.
            self.call_by(thread, 22, &[INTEREST, SCRATCH + 64 * thread, 2, u64::from(u32::MAX), 0, 8]);
        }
    }

    /// What is looked at gets or loses what there is to see.
    fn end_of_event(&mut self) {
        let place = IN_ARENA | (BYTES + 0x80);
        match self.random.below(4) {
            0 => self.call(64, &[SEEN_WRITE_END, IN_ARENA | NUMBER, 8]),
            1 => self.call(64, &[SEEN_COUNTER, IN_ARENA | NUMBER, 8]),
            2 => self.call(63, &[SEEN_READ_END, place, 32]),
            _ => self.call(63, &[SEEN_COUNTER, place, 8]),
        }
    }

    /// rt_sigtimedwait, rt_sigsuspend.
    fn wait_for_signal(&mut self, thread: u64) {
        let place = SETS + 32 * thread;
        if self.random.below(2) == 0 {
            self.poke(place, set_of(TAKEN));
            let time = self.random.one_of(&[0, 0, IN_ARENA | NO_TIME]);
            self.call_by(thread, 137, &[IN_ARENA | place, 0, time, 8]);
        } else {
            let blocked = self.random.one_of(&HANDLED);
            self.poke(place, set_of(blocked) | set_of(TAKEN));
            self.call_by(thread, 133, &[IN_ARENA | place, 8]);
        }
    }

    fn send_to(&mut self, thread: u64) {
        let signal = self.random.one_of(&[HANDLED[0], HANDLED[1], TAKEN]);
        match self.random.below(4) {
            0 => {
                let flags = self.random.one_of(&[0, 0x1000_0000]);
                self.handle(HANDLED[0], flags);
            }
            1 => self.call(130, &[THREAD | (thread - 1), signal]),
            _ => self.call(131, &[OWN_PID, THREAD | (thread - 1), signal]),
        }
    }

    /// FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI: who holds it is not compared, only what the calls answer.
    fn lock_call(&mut self, thread: u64) {
        let word = SCRATCH + 1024 + 16 * self.random.below(2);
        let operation = self.random.one_of(&[6, 6, 7, 7, 8]);
        self.call_by(thread, 98, &[word, operation | self.private, 0, 0]);
    }
}
