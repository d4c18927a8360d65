//! Signals that wait, up to RLIMIT_SIGPENDING and beyond it: of the process and of threads, of two users, with timers, which take a place,
//! too. Everything is blocked until somebody takes it, or lets it through for a moment; what is ignored for a moment is sent to no other
//! thread.

use super::{Generator, HANDLER, IN_ARENA, OWN_PID, PEEK, SCRATCH, STRUCTURE, THREAD};

/// Calls of one sequence.
const CALLS: usize = 110;
/// Threads beside the first.
const OTHERS: u64 = 3;

/// Where in the arena lie no time, a set of signals, what a signal is to tell, an action, limits, whom a timer tells, and its id.
const NO_TIME: u64 = STRUCTURE;
const SIGNALS: u64 = STRUCTURE + 0x100;
const INFO: u64 = STRUCTURE + 0x200;
const ACTION: u64 = STRUCTURE + 0x300;
const LIMIT: u64 = STRUCTURE + 0x400;
const NOTICE: u64 = STRUCTURE + 0x500;
const TIMER: u64 = STRUCTURE + 0x600;

/// Standard ones and real-time ones; the last of each are sent to no other thread.
const SENT: [u64; 6] = [10, 40, 41, 64, 12, 42];
const IGNORED: [u64; 2] = [12, 42];

/// No limit is above this.
const MOST: u64 = 7;

impl Generator {
    pub(super) fn queues(&mut self) {
        self.block(u64::MAX);
        for signal in SENT {
            self.act(signal, HANDLER);
        }
        for thread in 1..=OTHERS {
            self.call_by(thread, 124, &[]);
        }
        self.limit(5);
        let end = self.random.below(2 * CALLS as u64);
        for step in 0..CALLS {
            // What it did not take goes with it.
            if step as u64 == end {
                self.call_by(OTHERS, 93, &[0]);
            }
            match self.random.below(20) {
                0..=6 => self.send_one(step as u64),
                7..=13 => self.take_one(),
                14 | 15 => {
                    let soft = self.random.below(MOST + 1);
                    self.limit(soft);
                }
                16 => {
                    let who = self.random.below(OTHERS);
                    let user = self.random.one_of(&[0, 1000]);
                    self.call_by(who, 147, &[user, u64::MAX, u64::MAX]);
                }
                17 | 18 => self.timer(),
                _ => {
                    let signal = self.random.one_of(&IGNORED);
                    match self.random.below(2) {
                        0 => self.act(signal, 1),
                        _ => self.block(!(1 << (signal - 1))),
                    }
                    self.block(u64::MAX);
                    self.act(signal, HANDLER);
                }
            }
        }
        self.block(0);
    }

    fn block(&mut self, set: u64) {
        self.poke(SIGNALS, set);
        self.call(135, &[2, IN_ARENA | SIGNALS, 0, 8]);
    }

    fn act(&mut self, signal: u64, handler: u64) {
        self.poke(ACTION, handler);
        self.poke(ACTION + 8, 0);
        self.poke(ACTION + 16, u64::MAX);
        self.call(134, &[signal, IN_ARENA | ACTION, 0, 8]);
    }

    fn limit(&mut self, soft: u64) {
        self.poke(LIMIT, soft);
        self.poke(LIMIT + 8, MOST);
        self.call(261, &[0, 11, IN_ARENA | LIMIT, SCRATCH + 256]);
    }

    /// By `kill`, `tkill`, `tgkill` or with `value`, to the process or a thread.
    fn send_one(&mut self, value: u64) {
        let signal = self.random.one_of(&SENT);
        let (by, to) = (self.random.one_of(&[0, 0, 0, 1, 2]), THREAD | self.random.below(OTHERS));
        let to = if by != 0 || IGNORED.contains(&signal) || self.random.below(2) == 0 { OWN_PID } else { to };
        // SI_QUEUE, and numbers that somebody made up.
        for (word, value) in [signal, 0xffff_ffff, 0x9_0000_0008, value].into_iter().enumerate() {
            self.poke(INFO + 8 * word as u64, value);
        }
        match self.random.below(6) {
            0 => self.call_by(by, 129, &[OWN_PID, signal]),
            1 => self.call_by(by, 130, &[to, signal]),
            2 => self.call_by(by, 131, &[OWN_PID, to, signal]),
            3 => self.call_by(by, 240, &[OWN_PID, to, signal, IN_ARENA | INFO]),
            _ => self.call_by(by, 138, &[OWN_PID, signal, IN_ARENA | INFO]),
        }
    }

    /// A thread takes a signal if there is one, and what it tells but for numbers of processes.
    fn take_one(&mut self) {
        let (thread, signal) = (self.random.one_of(&[0, 0, 0, 1, 2, 3]), self.random.one_of(&SENT));
        let set = self.random.one_of(&[u64::MAX, 1 << (signal - 1)]);
        self.poke(SIGNALS, set);
        self.call_by(thread, 137, &[IN_ARENA | SIGNALS, SCRATCH, IN_ARENA | NO_TIME, 8]);
        for word in [8, 24] {
            self.call(PEEK, &[SCRATCH + word, 8]);
        }
    }

    /// One that tells nobody is made, or one is deleted.
    fn timer(&mut self) {
        let id = self.random.below(6);
        if self.random.below(2) == 0 {
            return self.call(111, &[id]);
        }
        // SIGEV_NONE.
        self.poke(NOTICE + 8, 1 << 32);
        self.call(107, &[1, IN_ARENA | NOTICE, IN_ARENA | TIMER]);
    }
}
