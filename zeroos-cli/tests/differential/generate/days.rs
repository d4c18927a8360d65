//! Threads and timers that wait for a time of day, while another thread sets it. All times are whole thousands of seconds apart, and what
//! is waited for lies in the middle, so that it does not matter how long calls take. Those that are due again and again
//! are in `timers`: here none is that sends signals, and none where time goes back.

use super::{Generator, IN_ARENA, SCRATCH, STRUCTURE};

/// Calls of one sequence.
const CALLS: usize = 90;
/// Threads beside the first, which sets the time; the first of them is the one that takes the timers' signals.
const OTHERS: u64 = 3;

/// Where in the arena lie the time to set, times to wait for, a set of signals, what is read, futex words, settings of timers and what they
/// are to tell.
const NOW: u64 = STRUCTURE;
const UNTIL: u64 = STRUCTURE + 0x40;
const SIGNALS: u64 = STRUCTURE + 0x100;
const COUNT: u64 = STRUCTURE + 0x140;
const WORDS: u64 = STRUCTURE + 0x200;
const SETTING: u64 = STRUCTURE + 0x300;
const NOTICE: u64 = STRUCTURE + 0x400;

/// The signal of timers, blocked by everybody.
const SIGNAL: u64 = 40;
/// Timers, and descriptors of timers.
const TIMERS: u64 = 2;
const FILES: [u64; 2] = [3, 4];

const ABSOLUTE: u64 = 1;
const CLOCK_REALTIME: u64 = 256;

/// Thousands of seconds since 1970 at the start.
const START: u64 = 2_000_000;

impl Generator {
    pub(super) fn days(&mut self) {
        self.poke(SIGNALS, u64::MAX);
        self.call(135, &[0, IN_ARENA | SIGNALS, 0, 8]);
        self.poke(SIGNALS, 1 << (SIGNAL - 1));
        let mut now = START;
        let goes_back = self.random.below(2) == 0;
        self.set_time(now);
        for timer in 0..TIMERS {
            // SIGEV_SIGNAL.
            self.poke(NOTICE, timer);
            self.poke(NOTICE + 8, SIGNAL);
            self.call(107, &[0, IN_ARENA | NOTICE, IN_ARENA | COUNT]);
        }
        for _ in FILES {
            self.call(85, &[0, 0o4000]);
        }
        for _ in 0..CALLS {
            let thread = 1 + self.random.below(OTHERS);
            match self.random.below(10) {
                0..=2 => {
                    // What is set once more goes back, too, by what has passed.
                    let later = self.random.below(6);
                    now = if goes_back { now + later - 3 } else { now + later + 1 };
                    self.set_time(now);
                }
                3 => {
                    let until = self.until(now);
                    // CLOCK_REALTIME and CLOCK_TAI, or one that does not know what time of day it is.
                    let clock = self.random.one_of(&[0, 0, 0, 11]);
                    self.call_by(thread, 115, &[clock, ABSOLUTE, until, 0]);
                }
                4 | 5 => self.wait_for_day(thread, now),
                6 => self.call(98, &[IN_ARENA | WORDS, 1 | 128, 9]),
                7 => self.call_by(1, 137, &[IN_ARENA | SIGNALS, 0, 0, 8]),
                8 => self.timer_of_day(now),
                _ => self.file_of_day(now, goes_back),
            }
        }
        self.call(super::PEEK, &[IN_ARENA | 0x3c00, 32]);
    }

    fn set_time(&mut self, thousands: u64) {
        self.poke(NOW, 1000 * thousands);
        self.poke(NOW + 8, 0);
        // clock_settime, settimeofday.
        match self.random.below(3) {
            0 => self.call(170, &[IN_ARENA | NOW, 0]),
            _ => self.call(112, &[0, IN_ARENA | NOW]),
        }
    }

    /// Half a thousand seconds behind some thousand around `now`.
    fn some_time(&mut self, now: u64) -> u64 {
        1000 * (now + self.random.below(6)) - 500
    }

    fn until(&mut self, now: u64) -> u64 {
        let place = UNTIL + 16 * self.random.below(4);
        let time = self.some_time(now);
        self.poke(place, time);
        self.poke(place + 8, 0);
        IN_ARENA | place
    }

    /// FUTEX_WAIT_BITSET, by the time of day or, which never ends here, since boot.
    fn wait_for_day(&mut self, thread: u64, now: u64) {
        let until = self.until(now);
        let by_day = self.random.one_of(&[CLOCK_REALTIME, CLOCK_REALTIME, CLOCK_REALTIME, 0]);
        self.call_by(thread, 98, &[IN_ARENA | WORDS, 9 | 128 | by_day, 0, until, 0, 0xffff_ffff]);
    }

    fn setting(&mut self, now: u64, is_due_once: bool) -> u64 {
        let (interval, time) = (self.random.one_of(&[0, 1000, 3000]), self.some_time(now));
        let interval = if is_due_once { 0 } else { interval };
        let time = self.random.one_of(&[time, time, time, 0]);
        for (word, value) in [interval, 0, time, 0].into_iter().enumerate() {
            self.poke(SETTING + 8 * word as u64, value);
        }
        IN_ARENA | SETTING
    }

    /// timer_settime, timer_gettime, timer_getoverrun.
    fn timer_of_day(&mut self, now: u64) {
        let timer = self.random.below(TIMERS);
        match self.random.below(4) {
            0 => self.call(108, &[timer, SCRATCH]),
            1 => self.call(109, &[timer]),
            _ => {
                let setting = self.setting(now, true);
                self.call(110, &[timer, ABSOLUTE, setting, 0]);
            }
        }
    }

    /// timerfd_settime, with TFD_TIMER_CANCEL_ON_SET or without, and read.
    fn file_of_day(&mut self, now: u64, goes_back: bool) {
        let file = self.random.one_of(&FILES);
        if self.random.below(2) == 0 {
            // A timer that was canceled is not due again and again, either.
            let flags = self.random.one_of(&[ABSOLUTE, 3]);
            let setting = self.setting(now, goes_back || flags == 3);
            self.call(86, &[file, flags, setting, 0]);
        } else {
            self.call(63, &[file, IN_ARENA | COUNT, 8]);
        }
    }
}
