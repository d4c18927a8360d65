//! A data-parallel sum: rayon's work stealing on four threads, checked against the closed form.

use rayon::prelude::*;

const TERMS: u64 = 200_000;

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("four threads can be started");
    let (sum, squares) = pool.install(|| {
        let sum = (1..=TERMS).into_par_iter().sum::<u64>();
        let squares = (1..=TERMS).into_par_iter().map(|n| n * n).sum::<u64>();
        (sum, squares)
    });
    assert_eq!(sum, TERMS * (TERMS + 1) / 2);
    assert_eq!(squares, TERMS * (TERMS + 1) * (2 * TERMS + 1) / 6);

    let mut words: Vec<u64> = (0..1000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).collect();
    pool.install(|| words.par_sort_unstable());
    assert!(words.is_sorted());

    println!("threads {}", pool.current_num_threads());
    println!("sum {sum}");
    println!("sum of squares {squares}");
    println!("smallest {}, largest {}", words[0], words[words.len() - 1]);
}
