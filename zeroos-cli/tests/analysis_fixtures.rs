//! The analysis against small assembly programs, each of which says in its own text what must be found:
//!
//! * `#@ syscalls: 64 94` lists all numbers of reachable, resolved sites, and `#@ unbounded: 1` counts reachable sites
//!   that must stay open. Both are exact.
//! * `#@ happens: 64 94` lists numbers that can really happen: each must be found unless a site is open. Nothing is said
//!   of how exact the answer is.
//! * `#@ started: 64 94` lists all numbers that remain if the program is started as images start it.
//! * `#@ run: 64 94` lists the calls that the program makes when it is run.
//! * `#@ only: exec` is for what cannot be linked as static-PIE, `#@ needs: sections` for what is only found by them.
//! * `#@ gap: …` marks what the analysis gets wrong and says why; the test fails once it gets it right.
//!
//! Every fixture is analysed linked as `ET_EXEC` and as static-PIE, with symbols, stripped, and without section headers;
//! for the last, all that is asked is that nothing is missing.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroos::analysis::{Analysis, analyse, analyse_started};
use zeroos::elf::AppElf;
use zeroos::image::assumed_states;
use zeroos::manifest::Trace;

/// One file with its expectations.
struct Fixture {
    path: PathBuf,
    text: String,
}

impl Fixture {
    fn all() -> Vec<Fixture> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/analysis");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "s"));
        files.sort();
        assert!(files.len() >= 90, "the fixtures are gone");
        files.into_iter().map(|path| Fixture { text: std::fs::read_to_string(&path).unwrap(), path }).collect()
    }

    fn name(&self) -> String {
        self.path.file_stem().unwrap().to_string_lossy().into_owned()
    }

    /// The words behind `#@ key:`.
    fn words(&self, key: &str) -> Option<Vec<&str>> {
        let prefix = format!("#@ {key}:");
        Some(self.text.lines().find_map(|line| line.strip_prefix(&prefix))?.split_whitespace().collect())
    }

    fn numbers(&self, key: &str) -> Option<Vec<u64>> {
        Some(self.words(key)?.iter().map(|word| word.parse().unwrap()).collect())
    }

    /// The ways to link it: name and linker flags.
    fn kinds(&self) -> Vec<(&'static str, [&'static str; 2])> {
        let kinds = [("exec", ["-static", "-no-pie"]), ("pie", ["-static-pie", "-fPIE"])];
        let only = self.words("only");
        kinds.into_iter().filter(|(kind, _)| only.as_ref().is_none_or(|only| only == &[*kind])).collect()
    }

    fn link(&self, flags: &[&str], file: &Path) {
        let mut arguments: Vec<&OsStr> =
            ["-nostdlib", "-Wl,--no-dynamic-linker", "-Wl,--eh-frame-hdr"].map(AsRef::as_ref).to_vec();
        arguments.extend(flags.iter().map(|flag| AsRef::<OsStr>::as_ref(*flag)));
        arguments.extend([self.path.as_os_str(), "-o".as_ref(), file.as_os_str()]);
        run("riscv64-linux-gnu-gcc", &arguments);
    }
}

fn run(program: &str, arguments: &[&OsStr]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("`{program}` does not start ({error}); it is in Debian's gcc-riscv64-linux-gnu and binutils-riscv64-linux-gnu")
    });
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The file without its section header table: `e_shoff`, `e_shnum` and `e_shstrndx` are zero.
fn without_sections(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0x28..0x30].fill(0);
    bytes[0x3c..0x40].fill(0);
    bytes
}

/// The numbers of all reachable sites, and how many sites are open.
fn predicted(analysis: &Analysis) -> (BTreeSet<u64>, u64) {
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    let found: Vec<_> = reachable.map(|site| site.evidence.numbers()).collect();
    let open = found.iter().filter(|numbers| numbers.is_none()).count() as u64;
    (found.into_iter().flatten().flatten().map(|number| number.0).collect(), open)
}

/// Does `work` for every fixture, each thread in a folder of its own; fails with what they return.
fn for_each_fixture(fixtures: Vec<Fixture>, work: impl Fn(&Fixture, &Path) -> Vec<String> + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let part = |first: usize| {
        let folder = tempfile::tempdir().unwrap();
        let mine = fixtures.iter().skip(first).step_by(threads);
        mine.flat_map(|fixture| work(fixture, folder.path())).collect::<Vec<_>>()
    };
    let part = &part;
    let failures: Vec<String> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|first| scope.spawn(move || part(first))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_fixture_has_the_numbers_it_says() {
    for_each_fixture(Fixture::all(), |fixture, folder| {
        let file = folder.join("program");
        let mut failures = Vec::new();
        for (kind, flags) in fixture.kinds() {
            fixture.link(&flags, &file);
            let with_symbols = std::fs::read(&file).unwrap();
            run("riscv64-linux-gnu-strip", &[file.as_os_str()]);
            let stripped = std::fs::read(&file).unwrap();
            let bare = without_sections(stripped.clone());
            let mut flavours = vec![("with symbols", with_symbols), ("stripped", stripped)];
            if fixture.words("needs").is_none() {
                flavours.push(("no sections", bare));
            }
            for (how, bytes) in flavours {
                let elf = AppElf::parse(bytes).unwrap();
                if let Some(expected) = fixture.numbers("started") {
                    let (numbers, open) = predicted(&analyse_started(&elf, &assumed_states(&elf)));
                    let expected: BTreeSet<u64> = expected.into_iter().collect();
                    if (&numbers, open) != (&expected, 0) {
                        let name = fixture.name();
                        failures.push(format!("{name} ({kind}, {how}) as started: {numbers:?}, not {expected:?}"));
                    }
                }
                let analysis = analyse(&elf);
                let (numbers, open) = predicted(&analysis);
                if let Err(expected) = check(fixture, &numbers, open, how == "no sections") {
                    let name = fixture.name();
                    failures.push(format!("{name} ({kind}, {how}): {numbers:?}, {open} unbounded; {expected}"));
                    let sites = analysis.sites.iter().filter(|site| site.reachable);
                    failures.extend(sites.map(|site| format!("    {} {:?}", site.address, site.evidence)));
                }
            }
        }
        match (fixture.words("gap"), failures.is_empty()) {
            (Some(_), true) => vec![format!("{}: the gap is closed, take the line out", fixture.name())],
            (Some(_), false) => Vec::new(),
            (None, _) => failures,
        }
    });
}

/// Whether the analysis found what it must; otherwise what that is.
fn check(fixture: &Fixture, numbers: &BTreeSet<u64>, open: u64, only_complete: bool) -> Result<(), String> {
    let exact = (fixture.numbers("syscalls"), fixture.numbers("unbounded").map_or(0, |count| count[0]));
    let happens: BTreeSet<u64> =
        fixture.numbers("happens").or(exact.0.clone()).unwrap_or_default().into_iter().collect();
    if exact == (None, 0) || only_complete {
        assert!(only_complete || !happens.is_empty(), "{} expects nothing", fixture.name());
        let complete = open > 0 || happens.is_subset(numbers);
        return complete.then_some(()).ok_or_else(|| format!("MISSED, these can happen: {happens:?}"));
    }
    let expected: BTreeSet<u64> = exact.0.unwrap_or_default().into_iter().collect();
    let right = (numbers, open) == (&expected, exact.1);
    right.then_some(()).ok_or_else(|| format!("expected are {expected:?}, {} unbounded", exact.1))
}

/// The calls that the program makes under `qemu-riscv64`.
fn traced(program: &Path) -> Trace {
    let output = Command::new("qemu-riscv64")
        .args(["-R", "0x40000000", "-strace"])
        .arg(program)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("`qemu-riscv64` does not start ({error}); it is in Debian's qemu-user"));
    Trace::parse(&String::from_utf8_lossy(&output.stderr))
}

#[test]
fn running_a_fixture_makes_no_call_that_was_not_predicted() {
    let without_gap = Fixture::all().into_iter().filter(|fixture| fixture.words("gap").is_none()).collect();
    for_each_fixture(without_gap, |fixture, folder| {
        let Some(calls) = fixture.numbers("run") else { return Vec::new() };
        let mut expected = BTreeMap::new();
        calls.iter().for_each(|&number| *expected.entry(number).or_insert(0) += 1);
        let file = folder.join("program");
        let mut failures = Vec::new();
        for (kind, flags) in fixture.kinds() {
            fixture.link(&flags, &file);
            let elf = AppElf::parse(std::fs::read(&file).unwrap()).unwrap();
            if kind == "pie" && !elf.relocations.is_empty() {
                continue; // it has no start-up code that would apply them
            }
            let (numbers, open) = predicted(&analyse_started(&elf, &assumed_states(&elf)));
            let made: BTreeMap<u64, u64> =
                traced(&file).calls.into_iter().map(|(number, count)| (number.0, count)).collect();
            let name = fixture.name();
            if made != expected {
                failures.push(format!("{name} ({kind}) does not do what it says: {made:?}"));
            }
            let missed: Vec<_> = made.keys().filter(|number| open == 0 && !numbers.contains(number)).collect();
            if !missed.is_empty() {
                failures.push(format!("{name} ({kind}) MISSED {missed:?}: predicted are {numbers:?}"));
            }
        }
        failures
    });
}
