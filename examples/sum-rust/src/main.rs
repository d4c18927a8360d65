//! A long data-parallel sum, of numbers that no compiler adds up by a formula: rayon on four threads, checked against one.

use rayon::prelude::*;

/// Terms, unless the argument says how many.
const TERMS: u64 = 1_000_000;

/// A term: the number's bits, well mixed (the finalizer of SplitMix64).
fn term(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) >> 24
}

fn main() {
    let terms = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(TERMS);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("four threads can be started");
    let sum: u64 = pool.install(|| (1..=terms).into_par_iter().map(term).sum());
    assert_eq!(sum, (1..=terms).map(term).sum::<u64>());
    println!("threads {}", pool.current_num_threads());
    println!("sum of {terms} terms {sum}");
}
