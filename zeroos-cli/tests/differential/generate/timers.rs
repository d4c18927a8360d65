//! Timers that are due again and again, those that send signals and those of descriptors, while the time of day is set: on, back, and
//! over what they wait for. As with `days`, all times are whole thousands of seconds apart, and timers are due in the middle of one, and
//! never two that send signals at once: which of these Linux has first depends on when each was armed. A signal is blocked until
//! somebody takes it, has a handler, or is ignored for a while.

use super::{Generator, HANDLER, IN_ARENA, PEEK, SCRATCH, STRUCTURE};

/// Calls of one sequence.
const CALLS: usize = 110;

/// Where in the arena lie the time to set, a set of signals, what is read, settings of timers, what they are to tell, an action, what a
/// signal tells.
const NOW: u64 = STRUCTURE;
const NO_TIME: u64 = STRUCTURE + 0x20;
const SHORT_TIME: u64 = STRUCTURE + 0x40;
const SIGNALS: u64 = STRUCTURE + 0x100;
const COUNT: u64 = STRUCTURE + 0x140;
const SETTING: u64 = STRUCTURE + 0x300;
const NOTICE: u64 = STRUCTURE + 0x400;
const ACTION: u64 = STRUCTURE + 0x500;
const INFO: u64 = STRUCTURE + 0x600;

/// What the timers send: two the same standard signal, one a real-time one, one nothing.
const SENT: [u64; 4] = [14, 14, 40, 0];
const FILES: [u64; 2] = [3, 4];

const ABSOLUTE: u64 = 1;

/// Thousands of seconds since 1970 at the start.
const START: u64 = 2_000_000;

const fn set_of(signal: u64) -> u64 {
    1 << (signal - 1)
}

impl Generator {
    pub(super) fn timers(&mut self) {
        self.set_mask(u64::MAX);
        self.poke(SHORT_TIME + 8, 1_000_000);
        let mut now = START;
        self.set_day(now);
        for (timer, signal) in SENT.into_iter().enumerate() {
            self.poke(NOTICE, 7 + timer as u64);
            // SIGEV_SIGNAL, SIGEV_NONE.
            self.poke(NOTICE + 8, if signal == 0 { 1 << 32 } else { signal });
            self.call(107, &[0, IN_ARENA | NOTICE, IN_ARENA | COUNT]);
        }
        for _ in FILES {
            self.call(85, &[0, 0o4000]);
        }
        self.set_action_of(14, HANDLER);
        self.set_action_of(40, HANDLER);
        for _ in 0..CALLS {
            let timer = self.random.below(SENT.len() as u64);
            match self.random.below(20) {
                0..=4 => {
                    now = now + self.random.below(8) - 3;
                    self.set_day(now);
                }
                5..=7 => {
                    let (flags, setting) = self.again_and_again(now, timer);
                    self.call(110, &[timer, flags, setting, 0]);
                    self.pause();
                }
                8 | 9 => self.call(109, &[timer]),
                10 => self.stands(108, timer),
                11 | 12 => self.take(),
                13 => self.let_through(),
                14 => {
                    now = now + self.random.below(8) - 3;
                    self.ignore_for_a_while(now);
                }
                15 | 16 => {
                    let (flags, setting) = self.again_and_again(now, 0);
                    let (file, cancels) = (self.random.one_of(&FILES), self.random.one_of(&[0, 0, 2]));
                    self.call(86, &[file, flags | cancels, setting, 0]);
                }
                17 | 18 => {
                    let file = self.random.one_of(&FILES);
                    self.call(63, &[file, IN_ARENA | COUNT, 8]);
                }
                _ => {
                    let file = self.random.one_of(&FILES);
                    self.stands(87, file);
                }
            }
        }
        self.set_mask(0);
        for timer in 0..SENT.len() as u64 {
            self.call(109, &[timer]);
        }
    }

    fn set_mask(&mut self, mask: u64) {
        self.poke(SIGNALS, mask);
        self.call(135, &[2, IN_ARENA | SIGNALS, 0, 8]);
    }

    fn set_day(&mut self, thousands: u64) {
        self.poke(NOW, 1000 * thousands);
        self.poke(NOW + 8, 0);
        self.call(112, &[0, IN_ARENA | NOW]);
        self.pause();
    }

    /// Timers are served where a thread waits.
    fn pause(&mut self) {
        self.call(101, &[IN_ARENA | SHORT_TIME, 0]);
    }

    fn set_action_of(&mut self, signal: u64, handler: u64) {
        self.poke(ACTION, handler);
        self.poke(ACTION + 8, 0);
        self.poke(ACTION + 16, 0);
        self.call(134, &[signal, IN_ARENA | ACTION, 0, 8]);
    }

    /// How a timer is to be set, and by which flags: now and then by a while, which is no time of day.
    fn again_and_again(&mut self, now: u64, timer: u64) -> (u64, u64) {
        let interval = self.random.one_of(&[0, 1000, 1000, 2000, 3000]);
        let time = 1000 * (now + self.random.below(7)) - 2500;
        let (flags, time) = self.random.one_of(&[(ABSOLUTE, time), (ABSOLUTE, time), (ABSOLUTE, time), (0, 5_000_000)]);
        let interval = if self.random.below(12) == 0 { 0 } else { interval };
        let nanoseconds = if flags == 0 { 500_000_000 } else { 10_000_000 * timer };
        for (word, value) in [interval, 0, time, nanoseconds].into_iter().enumerate() {
            self.poke(SETTING + 8 * word as u64, value);
        }
        (flags, IN_ARENA | SETTING)
    }

    /// rt_sigtimedwait, of one signal or both, without waiting; and what the signal told.
    fn take(&mut self) {
        let set = self.random.one_of(&[set_of(14), set_of(40), set_of(14) | set_of(40)]);
        self.poke(SIGNALS, set);
        self.call(137, &[IN_ARENA | SIGNALS, IN_ARENA | INFO, IN_ARENA | NO_TIME, 8]);
    }

    /// Lets handlers be called.
    fn let_through(&mut self) {
        let signal = self.random.one_of(&[14, 40]);
        self.set_mask(!set_of(signal));
        self.set_mask(u64::MAX);
    }

    /// A signal is not blocked and ignored, while the time of day is set.
    fn ignore_for_a_while(&mut self, now: u64) {
        let signal = self.random.one_of(&[14, 40]);
        // Linux 6.12 forgets a timer whose pending signal is ignored, later ones do not (kernel/signal.c, posixtimer_sig_ignore).
        self.set_mask(0);
        self.set_mask(u64::MAX);
        self.set_action_of(signal, 1);
        self.set_mask(!set_of(signal));
        self.set_day(now);
        self.set_mask(u64::MAX);
        self.set_action_of(signal, HANDLER);
    }

    /// How a timer stands, by `timer_gettime` or `timerfd_gettime`: in seconds, as nanoseconds depend on how long calls take.
    fn stands(&mut self, number: u64, timer: u64) {
        self.call(number, &[timer, SCRATCH]);
        for word in [0, 16] {
            self.call(PEEK, &[SCRATCH + word, 8]);
        }
    }
}
