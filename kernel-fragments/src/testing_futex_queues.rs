//! Random futex calls of several threads against the simplest model there is: a list of who is ready and a list of who
//! waits where.
#![cfg(test)]

use crate::abi::futex::{FUTEX_REQUEUE, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET};
use crate::testing::{TestRandom, rounds, steps};
use crate::testing_threads::{Step, ThreadMachine};
use crate::thread::PROCESS_ID;
use crate::user_memory::UserAddress;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// What the scheduler should know.
struct Model {
    running: u32,
    ready: VecDeque<u32>,
    /// Who waits, for which word, with which bits; the longest waiting first.
    waiting: Vec<(u32, usize, u32)>,
}

impl Model {
    /// Takes up to `limit` of those who wait for `word` with a bit of `bits`, in order.
    fn take(&mut self, word: usize, limit: u32, bits: u32) -> Vec<(u32, usize, u32)> {
        let mut taken = Vec::new();
        self.waiting.retain(|&waiter| {
            let is_meant = waiter.1 == word && waiter.2 & bits != 0 && (taken.len() as u32) < limit;
            if is_meant {
                taken.push(waiter);
            }
            !is_meant
        });
        taken
    }

    fn wake(&mut self, word: usize, limit: u32, bits: u32) -> usize {
        let taken = self.take(word, limit, bits);
        self.ready.extend(taken.iter().map(|waiter| waiter.0));
        taken.len()
    }

    /// The next one runs.
    fn switch(&mut self) -> u32 {
        self.running = self.ready.pop_front().expect("somebody is ready");
        self.running
    }
}

#[test]
fn futexes_behave_like_lists() {
    const THREADS: u32 = 7;
    for seed in 0..rounds(150) {
        let (mut random, mut machine) = (TestRandom(seed), ThreadMachine::new());
        let mut model = Model { running: PROCESS_ID, ready: VecDeque::new(), waiting: Vec::new() };
        for _ in 1..THREADS {
            model.ready.push_back(machine.spawn(0, UserAddress::NULL));
        }
        for step in 0..steps(300) {
            let [word, second] = [0; 2].map(|_| 8 * random.below(4) as usize);
            let bits = 1 + random.below(7) as u32;
            let limit = 1 + random.below(3) as u32;
            let (found, expected) = match random.below(4) {
                0 => {
                    model.ready.push_back(model.running);
                    (machine.yield_now(), Step::Switched(model.switch(), 0))
                }
                1 if !model.ready.is_empty() => {
                    model.waiting.push((model.running, word, bits));
                    let found = machine.futex_with(word, FUTEX_WAIT_BITSET, 0, UserAddress::NULL, 0, bits);
                    (found, Step::Switched(model.switch(), 0))
                }
                2 => {
                    let more = random.below(3) as u32;
                    let found = machine.futex_with(word, FUTEX_REQUEUE, limit, UserAddress(more as usize), second, 0);
                    let woken = model.wake(word, limit, u32::MAX);
                    let places = model.waiting.clone();
                    let moved = model.take(word, more, u32::MAX);
                    let count = woken + moved.len();
                    model.waiting.extend(moved.into_iter().map(|(tid, _, bits)| (tid, second, bits)));
                    if second == word {
                        model.waiting = places;
                    }
                    (found, Step::Returned(count))
                }
                _ => {
                    let found = machine.futex_with(word, FUTEX_WAKE_BITSET, limit, UserAddress::NULL, 0, bits);
                    (found, Step::Returned(model.wake(word, limit, bits)))
                }
            };
            assert_eq!(found, expected, "seed {seed}, step {step}");
            assert_eq!(machine.current().tid, model.running, "seed {seed}, step {step}");
        }
    }
}
