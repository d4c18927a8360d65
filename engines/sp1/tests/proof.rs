//! A real proof, made and verified: minutes of work and gigabytes of memory, so it is not among the tests that always run.
//! `cargo test --release -p zeroos-engine-sp1 --test proof -- --ignored` runs it.

#![allow(clippy::expect_used, reason = "a test has no other way to fail")]

mod guests;

use guests::{bench, copy, copy_input, silent};
use std::path::Path;
use zeroos_engine_sp1_proofs::{Values, VerifyingKey, from_bytes, one_run, values, verifying_key};
use zeroos_engine_testing::Bench;

/// Keeps the program busy for 200,000 cycles before it succeeds.
const BUSY: &str = "succeed:
    li s5, 40000;  la s6, digest + 24
    1: ld s7, 0(s6);  sd s7, 0(s6);  addi s5, s5, -1;  mul s8, s8, s7;  bnez s5, 1b
";

const PUBLIC: &[u8] = b"public output";

/// Verifies files of the bench; returns the status and what was said.
fn verify(bench: &Bench, image: &Path, proof: &str, public: &str, further: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["verify"], further].concat();
    let paths = [("", image), ("--proof", &bench.path(proof)), ("--public-output", &bench.path(public))];
    let outcome = bench.engine(&arguments, &paths);
    (outcome.status, String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr)
}

#[test]
#[ignore = "minutes, and gigabytes of memory"]
fn a_run_is_proved_and_only_what_happened_is_verified() {
    // Shards of a size that makes the run two of them.
    let bench = bench().environment("ELEMENT_THRESHOLD", "9000000");
    let source = copy().replace("succeed:", BUSY);
    let image = bench.assemble(&source);
    let input = bench.file("input", &copy_input(PUBLIC));
    let paths = [
        ("", image.as_path()),
        ("--input", &input),
        ("--proof", &bench.path("proof")),
        ("--public-output", &bench.path("public")),
    ];
    let outcome = bench.engine(&["prove"], &paths);
    let said = String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr;
    assert_eq!(outcome.status, Some(0), "{said}");
    for part in ["exit code:", "cycles:", "time:", "peak memory:", "proof:"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert_eq!(bench.read("public"), PUBLIC);

    let (status, said) = verify(&bench, &image, "proof", "public", &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("verified: exit code 0, public output of 13 bytes"), "{said}");

    let rejected = |image: &Path, proof: &str, public: &str, further: &[&str], reason: &str| {
        let (status, said) = verify(&bench, image, proof, public, further);
        assert_eq!(status, Some(1), "{reason}: {said}");
        assert!(said.contains("rejected") && said.contains(reason), "{reason}: {said}");
    };
    bench.file("other public", b"public outpu?");
    rejected(&image, "proof", "other public", &[], "another public output");
    bench.file("no public", b"");
    rejected(&image, "proof", "no public", &[], "another public output");
    rejected(&image, "proof", "public", &["--exit-code", "1"], "for exit code 0, not for 1");
    bench.file("no proof", b"something else");
    rejected(&image, "no proof", "public", &[], "is no proof that this version");

    let bytes = bench.read("proof");
    bench.file("short proof", &bytes[..bytes.len() - 1]);
    rejected(&image, "short proof", "public", &[], "is no proof that this version");
    let mut altered = bytes.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    bench.file("altered proof", &altered);
    rejected(&image, "altered proof", "public", &[], "");

    let key = {
        let bytes = std::fs::read(&image).expect("the image");
        let program = sp1_core_executor::Program::from(&bytes).expect("SP1 takes the image");
        verifying_key(program.into()).expect("a key")
    };
    shards_have_to_make_one_run(&values(&from_bytes(&bytes).expect("a proof")).expect("shards"), &key);

    // The same program but for one constant. Last, as it takes the place of the image.
    let other = bench.assemble(&source.replace("li a0, 0x100000", "li a0, 0x200000"));
    rejected(&other, "proof", "public", &[], "");
}

/// Each shard by itself may be valid, and yet they need not be one run.
fn shards_have_to_make_one_run(shards: &[Values], key: &VerifyingKey) {
    assert_eq!(shards.len(), 2);
    assert_eq!(one_run(shards, key), Ok(()));
    let (zero, one) = (shards[0].prev_exit_code, shards[0].is_execution_shard);
    let broken = |alter: &dyn Fn(&mut Vec<Values>), reason: &str| {
        let mut shards = shards.to_vec();
        alter(&mut shards);
        let error = one_run(&shards, key).expect_err(reason);
        assert!(error.contains(reason), "{reason}: {error}");
    };
    let last = shards.len() - 1;
    broken(&|shards| shards.clear(), "no shards");
    broken(&|shards| shards[0].pc_start[1] = zero, "does not begin at the start");
    broken(&|shards| shards[0].prev_exit_code = one, "does not begin at the start");
    broken(&|shards| shards[0].initial_timestamp[0] = one, "does not begin at the start");
    broken(&|shards| shards[0].prev_commit_syscall = one, "does not begin at the start");
    broken(&|shards| shards.push(shards[0]), "does not go on where");
    broken(&|shards| shards.swap(0, 1), "does not begin at the start");
    broken(&|shards| _ = shards.remove(0), "does not begin at the start");
    broken(&|shards| shards.truncate(1), "did not halt");
    broken(&|shards| shards[1].proof_nonce[0] = one, "is of another proof");
    broken(&|shards| shards[1].is_first_execution_shard = one, "marked as the first");
    broken(&|shards| shards[last].next_pc = shards[0].pc_start, "did not halt");
    broken(&|shards| shards[last].last_init_addr = [zero; 3], "initialised and finalised");
    broken(&|shards| shards[last].commit_syscall = zero, "without COMMIT");
    broken(&|shards| shards[last].commit_deferred_syscall = zero, "without COMMIT");
    broken(&|shards| shards[last].deferred_proofs_digest[0] = one, "other proofs");
    broken(
        &|shards| shards[last].global_cumulative_sum = key.initial_global_cumulative_sum,
        "what the shards send each other",
    );
    broken(&|shards| shards[0].is_first_execution_shard = zero, "marked as the first");
    broken(&|shards| shards[0].is_execution_shard = zero, "without being one that executes");
}

#[test]
fn what_does_not_end_by_itself_is_not_proved() {
    let bench = bench();
    let image = bench.assemble(&silent("_start: ebreak"));
    let paths = [("", image.as_path()), ("--proof", &bench.path("proof")), ("--public-output", &bench.path("public"))];
    let outcome = bench.engine(&["prove"], &paths);
    assert_eq!(outcome.status, Some(125));
    assert!(outcome.stderr.contains("nothing to prove"), "{}", outcome.stderr);
    assert!(!bench.path("proof").exists());
}
