//! Threads with priorities that wait for futexes: the most important one is woken first, and of equal ones that which has waited for
//! longest. The first thread has none, so that it goes on when all others wait.

use super::{Generator, IN_ARENA, STRUCTURE, THREAD};

/// Calls of one sequence.
const CALLS: usize = 110;
/// Threads beside the first.
const OTHERS: u64 = 3;

/// Where in the arena lie futex words, a lock and a priority.
const WORDS: u64 = STRUCTURE + 0x100;
const LOCK: u64 = super::SCRATCH + 1024;
const PRIORITY: u64 = STRUCTURE + 0x200;

impl Generator {
    pub(super) fn priorities(&mut self) {
        // All threads are there.
        for thread in 1..=OTHERS {
            self.call_by(thread, 124, &[]);
        }
        for _ in 0..CALLS {
            let (thread, word, other) = (1 + self.random.below(OTHERS), self.some_word(), self.some_word());
            let (first, second) = (self.random.one_of(&[0, 1, 1, 1, 2]), self.random.one_of(&[0, 1, 1, 9]));
            match self.random.below(12) {
                0..=3 => self.call_by(thread, 98, &[word, 128, 0, 0]),
                4 | 5 => self.call(98, &[word, 1 | 128, first]),
                6 => self.call(98, &[word, 3 | 128, first, second, other]),
                7 => {
                    let bits = self.random.one_of(&[1, 2, 3]);
                    self.call_by(thread, 98, &[word, 9 | 128, 0, 0, 0, bits]);
                }
                8 => {
                    let bits = self.random.one_of(&[1, 2, 3]);
                    self.call(98, &[word, 10 | 128, first, 0, 0, bits]);
                }
                9 => {
                    let operation = self.random.one_of(&[6, 6, 6, 7, 8, 8]);
                    self.call_by(thread, 98, &[LOCK, operation | 128, 0, 0]);
                }
                _ => self.set_priority(thread),
            }
        }
        self.call(super::PEEK, &[IN_ARENA | 0x3c00, 32]);
    }

    fn some_word(&mut self) -> u64 {
        IN_ARENA | (WORDS + 16 * self.random.below(2))
    }

    /// sched_setscheduler, sched_setparam, sched_getparam, of a thread that waits or not.
    fn set_priority(&mut self, thread: u64) {
        let priority = self.random.one_of(&[1, 1, 2, 3, 99]);
        // SCHED_FIFO, SCHED_RR, SCHED_OTHER, SCHED_BATCH.
        let policy = self.random.one_of(&[1, 1, 2, 0, 3]);
        let priority = if matches!(policy, 1 | 2) { priority } else { 0 };
        self.poke(PRIORITY, priority);
        let named = THREAD | (thread - 1);
        match self.random.below(5) {
            0 => self.call(118, &[named, IN_ARENA | PRIORITY]),
            1 => self.call(121, &[named, IN_ARENA | (PRIORITY + 8)]),
            2 => self.call(127, &[named, IN_ARENA | (PRIORITY + 16)]),
            _ => self.call(119, &[named, policy, IN_ARENA | PRIORITY]),
        }
    }
}
