//! No syscall that a program makes under `qemu-riscv64 -strace` may be missing from its manifest, and no
//! site may be open. Two kinds of programs: the prebuilt examples with the arguments that their
//! `example.toml` gives, and the binaries nobody here built that `corpus/corpus.toml` lists with their runs.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

#[allow(dead_code, reason = "what is built from source is `xtask bench-analysis`'s business")]
#[path = "../../xtask/src/corpus/list.rs"]
mod list;
#[allow(dead_code, reason = "the library reads the log")]
#[path = "../../xtask/src/corpus/observe.rs"]
mod observe;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use list::Fetched;
use zeroos::analysis::analyse;
use zeroos::elf::AppElf;
use zeroos::manifest::{Audit, Manifest, Trace};

/// What a program did under `qemu-riscv64`.
fn traced(program: &Path, arguments: &[String], input: &[u8], directory: &Path) -> Trace {
    let trace = Trace::parse(&observe::log(program, arguments, input, directory).unwrap());
    let name = format!("{} {arguments:?}", program.display());
    assert!(trace.calls.len() >= 2, "{name} made no calls: the log was not understood");
    assert!(trace.unknown_names.is_empty(), "{name}: what are the calls {:?}?", trace.unknown_names);
    trace
}

fn manifest(program: &Path) -> Manifest {
    let elf = AppElf::parse(std::fs::read(program).unwrap()).unwrap();
    Manifest::new(&elf, &analyse(&elf), &BTreeMap::new())
}

/// What is wrong with a manifest before anything was run.
fn open_sites(program: &Path, manifest: &Manifest) -> Option<String> {
    let open: Vec<_> = manifest.open_sites().collect();
    (!open.is_empty()).then(|| format!("{} is unbounded: {open:#?}", program.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn examples() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path().join("bin"));
    let files = folders.filter(|folder| folder.is_dir()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "the example programs are gone");
    files
}

/// All argument lists that the program's `example.toml` names, and none.
fn argument_lists(folder: &Path) -> Vec<Vec<String>> {
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
fn examples_make_no_call_that_is_not_predicted_and_are_bounded() {
    let mut failures = Vec::new();
    for program in examples() {
        let manifest = manifest(&program);
        failures.extend(open_sites(&program, &manifest));
        let folder = program.parent().unwrap().parent().unwrap();
        for arguments in argument_lists(folder) {
            let trace = traced(&program, &arguments, b"some input\n", folder);
            if let Err(error) = Audit::new(&manifest, &trace).verdict() {
                failures.push(format!("{} {arguments:?}: {error}", program.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every fetched program in all its runs. The registries may be out of reach: then a notice says what was not checked.
#[test]
fn fetched_programs_make_no_call_that_is_not_predicted() {
    let corpus = root().join("target/corpus");
    let programs = list::read(&root()).unwrap().fetched;
    let path = |program: &Fetched| corpus.join(&program.name);
    let mut reason = String::new();
    if !programs.iter().all(|program| path(program).exists()) {
        let fetching = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--package", "xtask", "--", "fetch"])
            .current_dir(root())
            .stdin(Stdio::null())
            .output();
        reason =
            fetching.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stderr).into());
    }
    let mut failures = Vec::new();
    for program in &programs {
        if !path(program).exists() {
            // Written past the harness, which would swallow the `eprintln!` of a passing test.
            let _ =
                writeln!(io::stderr(), "NOTICE: {} is not to be had, so it was not checked:\n{reason}", program.name);
            continue;
        }
        failures.extend(check(program, &path(program).canonicalize().unwrap()));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with the manifest of a fetched program.
fn check(program: &Fetched, binary: &Path) -> Vec<String> {
    let manifest = manifest(binary);
    let mut failures: Vec<String> = open_sites(binary, &manifest).into_iter().collect();
    let folder = tempfile::tempdir().unwrap();
    let mut observed = std::collections::BTreeSet::new();
    for run in &program.run {
        for arguments in run.argument_lists() {
            let trace = traced(binary, &arguments, run.stdin.as_bytes(), folder.path());
            if let Err(error) = Audit::new(&manifest, &trace).verdict() {
                failures.push(format!("{} {arguments:?}: {error}", program.name));
            }
            observed.extend(trace.calls.keys().copied());
        }
    }
    assert!(observed.len() >= 20, "{}: the runs show only {observed:?}", program.name);
    failures
}

/// `e_flags` says whether there are compressed instructions. What it denies is believed until code proves it wrong.
#[test]
fn compressed_instructions_are_found_although_the_file_denies_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for name in ["hello-c/bin/imac-pie", "std-rust/bin/gc-exec"] {
        let mut bytes = std::fs::read(root.join(name)).unwrap();
        let analysis = |bytes: &[u8]| zeroos::analysis::analyse(&zeroos::elf::AppElf::parse(bytes.to_vec()).unwrap());
        let said = analysis(&bytes);
        // The lowest bit of `e_flags` (psABI, "File Header").
        assert_eq!(bytes[48] & 1, 1);
        bytes[48] &= !1;
        let denied = analysis(&bytes);
        assert!(said == denied, "{name}: {} sites, {} without the flag", said.sites.len(), denied.sites.len());
    }
}
