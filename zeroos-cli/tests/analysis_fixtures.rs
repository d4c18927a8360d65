//! The analysis against small assembly programs, each of which says in its own text what must be found:
//! `#@ syscalls: 64 94` lists all numbers of reachable, resolved sites and `#@ unbounded: 1` counts reachable sites that
//! must stay open. Every fixture is analysed linked as `ET_EXEC` and as static-PIE, with symbols and stripped.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use zeroos::analysis::analyse;
use zeroos::elf::AppElf;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "s"));
    files.sort();
    assert!(files.len() >= 30, "the fixtures are gone");
    files
}

fn expectation(text: &str, key: &str) -> Vec<u64> {
    let prefix = format!("#@ {key}:");
    text.lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .flat_map(|rest| rest.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("`{program}` does not start ({error}); it is in Debian's gcc-riscv64-linux-gnu and binutils-riscv64-linux-gnu")
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The fixture linked in one way; `flags` are the linker's.
fn assemble(source: &Path, folder: &Path, flags: &[&str], strip: bool) -> AppElf {
    let file = folder.join("program");
    let mut arguments: Vec<&std::ffi::OsStr> = ["-nostdlib", "-Wl,--no-dynamic-linker"].map(AsRef::as_ref).to_vec();
    arguments.extend(flags.iter().map(|flag| AsRef::<std::ffi::OsStr>::as_ref(*flag)));
    arguments.extend([source.as_os_str(), "-o".as_ref(), file.as_os_str()]);
    run("riscv64-linux-gnu-gcc", &arguments);
    if strip {
        run("riscv64-linux-gnu-strip", &[file.as_os_str()]);
    }
    AppElf::parse(std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn every_fixture_has_the_numbers_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut failures = Vec::new();
    for source in fixtures() {
        let text = std::fs::read_to_string(&source).unwrap();
        let expected: BTreeSet<u64> = expectation(&text, "syscalls").into_iter().collect();
        let unbounded = expectation(&text, "unbounded").first().copied().unwrap_or(0);
        assert!(!expected.is_empty() || unbounded > 0, "{} expects nothing", source.display());
        for (kind, flags) in [("exec", ["-static", "-no-pie"]), ("pie", ["-static-pie", "-fPIE"])] {
            for strip in [false, true] {
                let analysis = analyse(&assemble(&source, folder.path(), &flags, strip));
                let reachable = analysis.sites.iter().filter(|site| site.reachable);
                let found: Vec<_> = reachable.map(|site| site.evidence.numbers()).collect();
                let open = found.iter().filter(|numbers| numbers.is_none()).count() as u64;
                let numbers: BTreeSet<u64> = found.into_iter().flatten().flatten().map(|number| number.0).collect();
                if (&numbers, open) != (&expected, unbounded) {
                    let name = source.file_stem().unwrap().to_string_lossy().into_owned();
                    let how = if strip { "stripped" } else { "with symbols" };
                    failures.push(format!("{name} ({kind}, {how}): {numbers:?}, {open} unbounded"));
                    failures
                        .extend(analysis.sites.iter().map(|site| format!("    {} {:?}", site.address, site.evidence)));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
