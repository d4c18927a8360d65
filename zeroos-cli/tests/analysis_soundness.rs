//! No syscall that a program makes under `qemu-riscv64 -strace` may be missing from its manifest: the prebuilt example
//! programs are run with the arguments, files and input that their `example.toml` gives.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroos::analysis::analyse;
use zeroos::elf::AppElf;
use zeroos::manifest::{Audit, Manifest, Trace};

/// What the program did under `qemu-riscv64`.
fn traced(program: &Path, arguments: &[String], input: &[u8]) -> Trace {
    let mut child = Command::new("qemu-riscv64")
        .args(["-R", "0x40000000", "-strace"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`qemu-riscv64` does not start ({error}); it is in Debian's qemu-user"));
    // A program that ends without reading its input closes the pipe: that is its business.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Trace::parse(&String::from_utf8_lossy(&output.stderr))
}

fn programs() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folders = std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path().join("bin"));
    let files = folders.filter(|folder| folder.is_dir()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "the example programs are gone");
    files
}

/// All argument lists that the program's `example.toml` names, and none.
fn argument_lists(program: &Path) -> Vec<Vec<String>> {
    let folder = program.parent().unwrap().parent().unwrap();
    let text = std::fs::read_to_string(folder.join("example.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let runs = table.get("run").and_then(|runs| runs.as_array()).cloned().unwrap_or_default();
    let arguments = runs.iter().map(|run| {
        let list = run.get("args").and_then(|list| list.as_array()).cloned().unwrap_or_default();
        list.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    });
    std::iter::once(Vec::new()).chain(arguments).collect()
}

#[test]
fn no_observed_syscall_is_missing_and_musl_programs_are_bounded() {
    let mut failures = Vec::new();
    for program in programs() {
        let elf = AppElf::parse(std::fs::read(&program).unwrap()).unwrap();
        let manifest = Manifest::new(&elf, &analyse(&elf), &BTreeMap::new());
        if !manifest.bounded {
            failures.push(format!(
                "{} is unbounded: {:#?}",
                program.display(),
                manifest.open_sites().collect::<Vec<_>>()
            ));
            continue;
        }
        for arguments in argument_lists(&program) {
            let trace = traced(&program, &arguments, b"some input\n");
            let name = format!("{} {arguments:?}", program.display());
            assert!(trace.calls.len() >= 2, "{name} made no calls: the log was not understood");
            assert!(trace.unknown_names.is_empty(), "{name}: what are the calls {:?}?", trace.unknown_names);
            if let Err(error) = Audit::new(&manifest, &trace).verdict() {
                failures.push(format!("{name}: {error}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
