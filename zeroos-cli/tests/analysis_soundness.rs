//! No syscall that a program makes under `qemu-riscv64 -strace` may be missing from its manifest, and no site may be open
//! that is not listed here with its reason. Two kinds of programs: the prebuilt examples with the arguments that their
//! `example.toml` gives, and the binaries nobody here built that `corpus/corpus.toml` lists with their runs.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

#[allow(dead_code, reason = "what is built from source is `xtask bench-analysis`'s business")]
#[path = "../../xtask/src/corpus/list.rs"]
mod list;
#[path = "../../xtask/src/corpus/observe.rs"]
mod observe;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use list::Fetched;
use observe::Call;
use zeroos::analysis::{Analysis, analyse};
use zeroos::elf::AppElf;
use zeroos::linux::SyscallNumber;

/// Fetched programs with sites that can carry any number, and why that is not known better.
const OPEN: &[(&str, &str)] =
    &[("esbuild", "the `ecall` that Go's syscall package shares: its number is lost where it takes ever more values")];

/// Runs a program once and translates what the log names.
fn traced(program: &Path, arguments: &[String], input: &[u8], directory: &Path) -> BTreeSet<SyscallNumber> {
    let calls = observe::calls(program, arguments, input, directory).unwrap();
    calls
        .into_iter()
        .map(|call| match call {
            Call::Named(name) => SyscallNumber::named(&name)
                .unwrap_or_else(|| panic!("{}: the log names an unknown call `{name}`", program.display())),
            Call::Number(number) => SyscallNumber(number),
        })
        .collect()
}

fn analysed(program: &Path) -> Analysis {
    analyse(&AppElf::parse(std::fs::read(program).unwrap()).unwrap())
}

/// All numbers of all reachable sites; `None` if one of them is open.
fn predicted(analysis: &Analysis) -> Option<BTreeSet<SyscallNumber>> {
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    let all: Option<Vec<_>> = reachable.map(|site| site.evidence.numbers()).collect();
    all.map(|sets| sets.into_iter().flatten().collect())
}

/// The names of what was observed and not predicted.
///
/// RISC-V has no `SA_RESTORER`: handlers return into code that the kernel provides (the vDSO, QEMU's own page), so their
/// `rt_sigreturn` is no `ecall` of the program. It is excused only where handlers can be installed.
fn missed(mut observed: BTreeSet<SyscallNumber>, predicted: &BTreeSet<SyscallNumber>) -> Vec<String> {
    let [install, come_back] = ["rt_sigaction", "rt_sigreturn"].map(|name| SyscallNumber::named(name).unwrap());
    if predicted.contains(&install) {
        observed.remove(&come_back);
    }
    observed.difference(predicted).map(|number| number.to_string()).collect()
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
        let analysis = analysed(&program);
        let Some(predicted) = predicted(&analysis) else {
            let open = analysis.sites.iter().filter(|site| site.reachable && site.evidence.numbers().is_none());
            failures.push(format!("{} is unbounded: {:#?}", program.display(), open.collect::<Vec<_>>()));
            continue;
        };
        let folder = program.parent().unwrap().parent().unwrap();
        for arguments in argument_lists(folder) {
            let missed = missed(traced(&program, &arguments, b"some input\n", folder), &predicted);
            if !missed.is_empty() {
                failures.push(format!("{} {arguments:?}: missed {missed:?}", program.display()));
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
    let name = &program.name;
    let analysis = analysed(binary);
    let listed = OPEN.iter().find(|(open, _)| open == name);
    let open: Vec<_> =
        analysis.sites.iter().filter(|site| site.reachable && site.evidence.numbers().is_none()).collect();
    match (listed, open.is_empty()) {
        (None, false) => return vec![format!("{name} is unbounded: {open:#?}")],
        (Some((_, reason)), true) => return vec![format!("{name} is bounded now, take it out of OPEN ({reason})")],
        _ => {}
    }
    let folder = tempfile::tempdir().unwrap();
    let mut observed = BTreeSet::new();
    for run in &program.run {
        for arguments in run.argument_lists() {
            observed.extend(traced(binary, &arguments, run.stdin.as_bytes(), folder.path()));
        }
    }
    assert!(observed.len() >= 20, "{name}: the runs show only {observed:?}");
    let Some(predicted) = predicted(&analysis) else {
        let _ = writeln!(io::stderr(), "NOTICE: {name} is known to be unbounded, so nothing can be missed");
        return Vec::new();
    };
    match missed(observed, &predicted) {
        missed if missed.is_empty() => Vec::new(),
        missed => vec![format!("{name}: missed {missed:?}")],
    }
}

/// The comparison itself: it must see a miss.
#[test]
fn a_call_that_no_site_makes_is_missed() {
    let numbers = |names: &[&str]| names.iter().map(|name| SyscallNumber::named(name).unwrap()).collect();
    let predicted: BTreeSet<SyscallNumber> = numbers(&["write", "rt_sigaction"]);
    assert_eq!(missed(numbers(&["write", "read", "rt_sigreturn"]), &predicted), ["read"]);
    assert_eq!(missed(numbers(&["rt_sigreturn"]), &numbers(&["write"])), ["rt_sigreturn"]);
}
