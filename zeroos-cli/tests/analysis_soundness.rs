//! No syscall that a program makes under `qemu-riscv64 -strace` may be missing from its manifest: the prebuilt example
//! programs are run with the arguments, files and input that their `example.toml` gives.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroos::analysis::{Analysis, analyse};
use zeroos::elf::AppElf;
use zeroos::linux::SyscallNumber;

/// The numbers in a log of `qemu-riscv64 -strace`: `<pid> name(…)` or `<pid> Unknown syscall N`. Threads write into each
/// other's lines, so every place that looks like the start of a call counts.
fn observed(log: &str) -> BTreeSet<SyscallNumber> {
    let mut numbers = BTreeSet::new();
    for (place, _) in log.match_indices(' ') {
        if !log[..place].ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        let rest = &log[place + 1..];
        if let Some(number) = rest.strip_prefix("Unknown syscall ") {
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            numbers.insert(SyscallNumber(digits.parse().unwrap()));
            continue;
        }
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        if name.is_empty() || !rest[name.len()..].starts_with('(') {
            continue;
        }
        // QEMU names these after other architectures' calls.
        let name = match name.as_str() {
            "fstatat64" => "newfstatat",
            "getdents" => "getdents64",
            "pread" => "pread64",
            "pwrite" => "pwrite64",
            "prlimit" => "prlimit64",
            "_newselect" => "pselect6",
            "sys_futex" => "futex",
            name => name,
        };
        let number = SyscallNumber::named(name).unwrap_or_else(|| panic!("unknown call `{name}` in the log:\n{log}"));
        numbers.insert(number);
    }
    numbers
}

fn traced(program: &Path, arguments: &[String], input: &[u8]) -> BTreeSet<SyscallNumber> {
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
    observed(&String::from_utf8_lossy(&output.stderr))
}

fn predicted(analysis: &Analysis) -> Option<BTreeSet<SyscallNumber>> {
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    let all: Option<Vec<_>> = reachable.map(|site| site.evidence.numbers()).collect();
    all.map(|sets| sets.into_iter().flatten().collect())
}

/// RISC-V has no `SA_RESTORER`: handlers return into code that the kernel provides (the vDSO, QEMU's own page), so their
/// `rt_sigreturn` is no `ecall` of the program. It is excused only where handlers can be installed.
fn without_trampoline(
    mut observed: BTreeSet<SyscallNumber>,
    predicted: &BTreeSet<SyscallNumber>,
) -> BTreeSet<SyscallNumber> {
    let [install, come_back] = ["rt_sigaction", "rt_sigreturn"].map(|name| SyscallNumber::named(name).unwrap());
    if predicted.contains(&install) {
        observed.remove(&come_back);
    }
    observed
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
        let analysis = analyse(&AppElf::parse(std::fs::read(&program).unwrap()).unwrap());
        let Some(predicted) = predicted(&analysis) else {
            let open = analysis.sites.iter().filter(|site| site.reachable && site.evidence.numbers().is_none());
            failures.push(format!("{} is unbounded: {:#?}", program.display(), open.collect::<Vec<_>>()));
            continue;
        };
        for arguments in argument_lists(&program) {
            let mut observed = traced(&program, &arguments, b"some input\n");
            // Handlers return through code of the kernel's (Linux: the vDSO's), so no site of the program makes this call.
            observed.remove(&SyscallNumber(139));
            assert!(observed.len() >= 2, "{} made no calls: the log was not understood", program.display());
            let missed: Vec<_> = without_trampoline(observed, &predicted)
                .difference(&predicted)
                .map(|number| number.to_string())
                .collect();
            if !missed.is_empty() {
                failures.push(format!("{} {arguments:?}: missed {missed:?}", program.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_log_with_threads_writing_over_each_other_is_read() {
    let log = "12 clone(0x7d0f00,child_stack=0x40) = 1313 set_robust_list(1,24) = 0\n = 13\n12 Unknown syscall 258\n";
    let names: Vec<String> = observed(log).iter().map(|number| number.to_string()).collect();
    assert_eq!(names, ["set_robust_list", "clone", "riscv_hwprobe"]);
}
