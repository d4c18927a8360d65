//! Fuzzing of all that reads a program: parsing, analysis and the manifest in all its forms. Nothing may panic, hang or
//! take memory out of proportion.
//!
//! With a nightly toolchain and `cargo install cargo-fuzz`, in `zeroos-cli/`:
//!
//! ```text
//! cargo +nightly fuzz run analyse fuzz/corpus/analyse ../examples/hello-minimal-c/bin ../examples/hello-c/bin -- \
//!     -max_len=500000 -timeout=20 -rss_limit_mb=2048
//! ```
//!
//! `tests/analysis_mutations.rs` is the short form of this in every run of the tests. What is found becomes a test with
//! the smallest input that shows it.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use zeroos::analysis::analyse;
use zeroos::elf::AppElf;
use zeroos::manifest::Manifest;

fuzz_target!(|bytes: &[u8]| {
    let Ok(elf) = AppElf::parse(bytes.to_vec()) else { return };
    let analysis = analyse(&elf);
    assert!(analysis.sites.windows(2).all(|pair| pair[0].address < pair[1].address));
    let manifest = Manifest::new(&elf, &analysis, &BTreeMap::new());
    assert_eq!(manifest.bounded, manifest.open_sites().next().is_none());
    assert!(!manifest.to_table().is_empty());
    assert!(manifest.to_json().is_ok() && manifest.to_toml().is_ok());
});
