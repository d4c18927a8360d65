//! Runs every program under `examples/` and holds the result against `expected.stdout` and the expected exit status:
//! under `qemu-riscv64`, which shows that the expectation is what Linux does, and as a unikernel under `zeroos run`, entered
//! by stubs and by traps.
//!
//! One test per program; each covers every prebuilt binary of it (rv64gc, rv64imac and rv64ima, `ET_EXEC` and static-PIE).

mod example;
mod fetched;
mod process;

use std::collections::BTreeSet;
use std::fs;

use example::{Example, Way};

/// Runs all binaries of an example in all their runs, by QEMU's user mode and by the built-in machine; those without
/// compressed instructions also where there are no atomic ones either.
fn same_as_linux(name: &str) {
    let example = Example::read(name);
    example.check(&example.binaries(), &[Way::LinuxEmulator, Way::Builtin, Way::BuiltinByTraps]);
    example.check(&example.narrow_binaries(), &[Way::ZkvmStandard]);
}

#[test]
fn minimal_c_writes_and_exits() {
    same_as_linux("hello-minimal-c");
}

#[test]
fn c_hello_flushes_stdio_and_sees_its_arguments() {
    same_as_linux("hello-c");
}

#[test]
fn glibc_hello_runs_like_the_musl_one() {
    same_as_linux("hello-glibc");
}

#[test]
fn c_threads_share_mutexes_and_conditions_and_own_their_thread_locals() {
    same_as_linux("threads-c");
}

#[test]
fn c_threads_wait_for_files() {
    same_as_linux("waiting-c");
}

#[test]
fn c_timers_and_awaited_signals() {
    same_as_linux("timers-c");
}

#[test]
fn c_files_are_shared_with_memory() {
    same_as_linux("shared-files-c");
}

#[test]
fn c_times_of_files_follow_what_is_done() {
    same_as_linux("file-times-c");
}

#[test]
fn c_faults_are_signals() {
    same_as_linux("faults-c");
}

#[test]
fn c_many_threads_come_and_go() {
    same_as_linux("many-threads-c");
}

#[test]
fn c_signal_handlers_nest_jump_and_return_with_every_register() {
    same_as_linux("signals-c");
}

#[test]
fn c_floating_point_has_every_bit_right() {
    same_as_linux("float-c");
}

#[test]
fn computation_comes_to_the_same_result() {
    same_as_linux("compute-c");
}

#[test]
fn cpp_exceptions_unwind_and_globals_are_constructed_and_destroyed() {
    same_as_linux("exceptions-cpp");
}

#[test]
fn rust_hello_runs_with_std() {
    same_as_linux("hello-rust");
}

#[test]
fn rust_std_reads_files_and_stdin_uses_threads_and_panics_with_101() {
    same_as_linux("std-rust");
}

#[test]
fn rayon_sums_on_four_threads() {
    same_as_linux("rayon-rust");
}

#[test]
fn a_long_sum_on_four_threads() {
    same_as_linux("sum-rust");
}

#[test]
fn signers_are_recovered_on_four_threads() {
    same_as_linux("recover-rust");
}

#[test]
fn words_are_counted_on_three_threads() {
    same_as_linux("words-rust");
}

#[test]
fn standard_input_is_hashed_and_the_digest_committed() {
    same_as_linux("digest-rust");
}

#[test]
fn a_block_of_ethereum_transactions_is_executed() {
    same_as_linux("evm-rust");
}

#[test]
fn tokio_and_rayon_run_beside_each_other() {
    same_as_linux("tokio-rust");
}

#[test]
fn sqlite_keeps_tables_in_memory_and_in_files() {
    same_as_linux("sqlite-rust");
}

/// An example nobody runs would rot: each directory must be named in a test of this file.
#[test]
fn every_example_has_a_test() {
    let this_file = include_str!("main.rs");
    let untested: BTreeSet<String> = fs::read_dir(example::examples_directory())
        .expect("examples/ can be listed")
        .map(|entry| entry.expect("examples/ can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("example names are UTF-8"))
        .filter(|name| !this_file.contains(&format!("same_as_linux(\"{name}\")")))
        .collect();
    assert!(untested.is_empty(), "examples without a test: {untested:?}");
}
