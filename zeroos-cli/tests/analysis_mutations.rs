//! Hostile input: programs damaged at random must be refused or analysed, without a panic and in bounded time.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::path::Path;
use std::time::{Duration, Instant};

use zeroos::analysis::analyse;
use zeroos::elf::AppElf;

/// xorshift64*: the same damage on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn damage(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(24) {
        // Half of the hits go into the headers, where they change most.
        let reach = if random.below(2) == 0 { bytes.len().min(512) } else { bytes.len() };
        let at = random.below(reach);
        match random.below(4) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            _ => {
                let length = random.below(64).min(bytes.len() - at);
                let from = random.below(bytes.len() - length);
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

#[test]
fn damaged_programs_are_refused_or_analysed() {
    let mut random = Random(0x5eed);
    let mut analysed = 0;
    for flavour in ["gc-exec", "gc-pie", "imac-exec"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/hello-minimal-c/bin").join(flavour);
        let original = std::fs::read(path).unwrap();
        for round in 0..200 {
            let mut bytes = original.clone();
            damage(&mut bytes, &mut random);
            let started = Instant::now();
            if let Ok(elf) = AppElf::parse(bytes) {
                let analysis = analyse(&elf);
                analysed += 1;
                assert!(analysis.sites.windows(2).all(|pair| pair[0].address < pair[1].address));
            }
            assert!(started.elapsed() < Duration::from_secs(10), "{flavour}, round {round} takes too long");
        }
    }
    assert!(
        analysed > 100,
        "only {analysed} damaged programs were accepted: the damage hits too hard to test anything"
    );
}
