//! A binary nobody here built: Debian's static busybox (glibc, stripped) behaves as a unikernel as it does on Linux.
//!
//! It is fetched into `target/corpus` by its package name and never committed. Where Debian cannot be reached the
//! tests say so and stop there; a fetched file is always tested.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::example::{examples_directory, linux_emulator, zeroos_run};
use crate::process;

/// Where `xtask fetch` puts the binary.
fn corpus_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/corpus/busybox")
}

/// The fetched binary, or `None` with a notice if it is not to be had.
fn busybox() -> Option<PathBuf> {
    static FETCHED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let fetched = FETCHED.get_or_init(|| {
        let path = corpus_path();
        if !path.exists() {
            let output = Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--package", "xtask", "--", "fetch"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stdin(Stdio::null())
                .output()
                .map_err(|error| format!("cargo: {error}"))?;
            if !path.exists() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        path.canonicalize().map_err(|error| error.to_string())
    });
    match fetched {
        Ok(path) => Some(path.clone()),
        Err(reason) => {
            // Written past the harness, which would swallow the `eprintln!` of a passing test.
            let _ = writeln!(io::stderr(), "NOTICE: no busybox to be had, so this test checked nothing:\n{reason}");
            None
        }
    }
}

/// Runs an applet both ways in the input directory of `std-rust` and compares all three results.
fn same_as_linux(arguments: &[&str], files: &[&str], stdin: Option<&str>) {
    let Some(busybox) = busybox() else { return };
    let directory = examples_directory().join("std-rust/input");
    let stdin = stdin.map(|name| directory.join(name));

    let mut reference = linux_emulator(&busybox);
    reference.args(arguments).current_dir(&directory);
    let reference = process::run(&mut reference, stdin.as_deref()).expect("qemu-riscv64 runs busybox");
    assert_eq!(reference.status, Some(0), "{}", reference.stderr);
    assert!(!reference.stdout.is_empty(), "an applet that prints nothing proves nothing");

    let mut unikernel = zeroos_run(&[]);
    for file in files {
        unikernel.args(["--file", &format!("/{file}={file}")]);
    }
    unikernel.arg("--").arg(&busybox).args(arguments).current_dir(&directory);
    let finished = process::run(&mut unikernel, stdin.as_deref()).expect("zeroos runs busybox");
    assert_eq!(
        String::from_utf8_lossy(&finished.stdout),
        String::from_utf8_lossy(&reference.stdout),
        "{unikernel:?}\n{}",
        finished.stderr
    );
    assert_eq!(finished.status, reference.status, "{unikernel:?}\n{}", finished.stderr);
}

#[test]
fn busybox_echo_prints_its_arguments() {
    same_as_linux(&["echo", "one", "two  three"], &[], None);
}

#[test]
fn busybox_cat_copies_a_committed_file() {
    same_as_linux(&["cat", "text.txt"], &["text.txt"], None);
}

#[test]
fn busybox_cat_copies_standard_input() {
    same_as_linux(&["cat"], &[], Some("numbers.txt"));
}

#[test]
fn busybox_sha256sum_hashes_committed_files() {
    same_as_linux(&["sha256sum", "text.txt", "numbers.txt"], &["text.txt", "numbers.txt"], None);
}

#[test]
fn busybox_sort_sorts_a_committed_file() {
    same_as_linux(&["sort", "-r", "text.txt"], &["text.txt"], None);
}

#[test]
fn busybox_wc_counts_a_committed_file() {
    same_as_linux(&["wc", "text.txt"], &["text.txt"], None);
}
