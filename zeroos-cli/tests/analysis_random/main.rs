//! Random programs: what they do when they run must be in what the analysis says of them, call by call and site by site.
//!
//! Each program is written as the bytes of an ELF file, analysed, and run on the built-in machine, whose observer sees
//! every `ecall` with its address; some are run under `qemu-riscv64 -strace` too, so that nothing rests on the machine
//! alone. `ZEROOS_RANDOM_PROGRAMS` sets how many, `ZEROOS_RANDOM_SEED` the first seed, `ZEROOS_RANDOM_HABITS` a sum of
//! `Habits`; a failure names the seed that repeats it.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod assembler;
mod file;
mod generate;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assembler::{ADDI, Assembler, Section};
use file::Dress;
use generate::{Generator, Habits};
use zeroos::address::{Address, AddressRange};
use zeroos::analysis::{Analysis, analyse};
use zeroos::elf::AppElf;
use zeroos::machine::{CapturedConsole, Ending, Machine, MachineConfig, Observer};
use zeroos::manifest::Trace;

const KERNEL: u64 = 0x100_0000;
const FINISHER: u64 = 0x1000_0000;
const STACK_TOP: u64 = 0x80_0000;
const MOST_INSTRUCTIONS: u64 = 40_000;
/// A few kilobytes of code are analysed in milliseconds, and not in minutes on any machine.
const SLOW: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// One random program and its file.
struct Sample {
    file: Vec<u8>,
    elf: AppElf,
    dress: Dress,
}

impl Sample {
    /// `None` if a branch of it would not reach.
    fn new(seed: u64, habits: Habits) -> Option<Sample> {
        let dress =
            Dress { position_independent: seed.is_multiple_of(3), sections: seed % 4 < 3, symbols: seed % 4 < 2 };
        let tables =
            if dress.position_independent || seed.is_multiple_of(2) { Section::Data } else { Section::Constants };
        let mut generator = Generator::program(seed, habits, tables);
        generator.code.resolve()?;
        let file = file::write(&mut generator.code, dress);
        Some(Sample { elf: AppElf::parse(file.clone()).unwrap(), file, dress })
    }
}

#[derive(Default)]
struct Calls(BTreeMap<(u64, u64), u64>);

impl Observer for Calls {
    fn syscall_entered(&mut self, pc: Address, number: u64, _: &[u64; 32]) {
        *self.0.entry((pc.0, number)).or_insert(0) += 1;
    }
}

/// A kernel that answers every call with another number, and stops at exits and at whatever is no call.
fn kernel() -> Vec<u8> {
    const T0: u8 = 5;
    const T1: u8 = 6;
    const A0: u8 = 10;
    const A7: u8 = 17;
    const READ_CSR: u32 = 0x2073;
    const WRITE_CSR: u32 = 0x1073;
    let mut code = Assembler::default();
    let (handler, stop) = (code.label(), code.label());
    code.address(T0, handler);
    code.immediate(WRITE_CSR, 0, T0, 0x305); // mtvec
    code.immediate(0x67, 0, A0, 0);
    code.bind(handler, Section::Code);
    code.immediate(WRITE_CSR, 0, T0, 0x340); // mscratch
    code.immediate(READ_CSR, T0, 0, 0x342); // mcause: 11 is `ecall`
    code.immediate(ADDI, T0, T0, -11);
    code.branch(0x1063, T0, 0, stop);
    code.immediate(ADDI, T0, A7, -93); // exit and exit_group
    code.immediate(0x3013, T0, T0, 2);
    code.branch(0x1063, T0, 0, stop);
    code.immediate(ADDI, T0, A7, -139); // rt_sigreturn
    code.branch(0x63, T0, 0, stop);
    code.immediate(READ_CSR, T0, 0, 0x341); // mepc
    code.immediate(ADDI, T0, T0, 4);
    code.immediate(WRITE_CSR, 0, T0, 0x341);
    code.immediate(READ_CSR, A0, 0, 0xb02); // minstret
    code.immediate(READ_CSR, T0, 0, 0x340);
    code.word(0x3020_0073); // mret
    code.bind(stop, Section::Code);
    code.word(0x1000_0037 | u32::from(T0) << 7); // lui: the finisher
    code.word(0x5037 | u32::from(T1) << 7);
    code.immediate(ADDI, T1, T1, 0x555);
    code.store(0x2023, T1, T0, 0);
    code.resolve().unwrap();
    code.contents(Section::Code).to_vec()
}

/// What the program does, by site and number, and whether it came to its end.
fn run(sample: &Sample) -> (Calls, bool) {
    let range = |start, end| AddressRange::between(Address(start), Address(end)).unwrap();
    let mut machine = Machine::new(&MachineConfig {
        ram: vec![range(assembler::TEXT, STACK_TOP), range(KERNEL, KERNEL + 0x1000)],
        entry: Address(KERNEL),
        test_finisher: Some(Address(FINISHER)),
        program: vec![range(assembler::TEXT, STACK_TOP)],
        max_instructions: Some(MOST_INSTRUCTIONS),
        ..MachineConfig::default()
    })
    .unwrap();
    assert!(machine.load(Address(KERNEL), &kernel()));
    for segment in &sample.elf.segments {
        assert!(machine.load(segment.range.start(), sample.elf.segment_bytes(segment)));
    }
    machine.set_x(2, STACK_TOP - 0x1000);
    machine.set_x(10, sample.elf.entry.0);
    let mut calls = Calls::default();
    let ending = machine.run(&mut CapturedConsole::default(), &mut calls);
    (calls, ending == Ending::Exited { status: 0 })
}

/// The calls by number under QEMU.
fn run_under_qemu(sample: &Sample, folder: &std::path::Path) -> BTreeMap<u64, u64> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("program");
    std::fs::write(&path, &sample.file).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("qemu-riscv64");
    command.args(["-R", "0x40000000", "-strace"]).arg(&path).stdin(Stdio::null());
    let output = command.output().expect("`qemu-riscv64` does not start; it is in Debian's qemu-user");
    let trace = Trace::parse(&String::from_utf8_lossy(&output.stderr));
    trace.calls.into_iter().map(|(number, count)| (number.0, count)).collect()
}

/// What happened although the analysis excludes it, with what the analysis says instead.
fn misses(analysis: &Analysis, calls: &Calls) -> Vec<String> {
    let missed = calls.0.keys().filter_map(|&(at, number)| {
        let site = analysis.sites.iter().find(|site| site.address.0 == at && site.reachable);
        let Some(site) = site else { return Some(format!("{number} at {at:#x}, which is not reached")) };
        let covered = site.evidence.numbers().is_none_or(|known| known.iter().any(|known| known.0 == number));
        (!covered).then(|| format!("{number} at {at:#x}, {:?}", site.evidence))
    });
    missed.collect()
}

/// Checks one program; how many of its reachable sites are bounded, and how many there are.
fn check(seed: u64, habits: Habits, failures: &mut Vec<String>) -> (usize, usize) {
    let Some(sample) = Sample::new(seed, habits) else { return (0, 0) };
    let started = Instant::now();
    let analysis = analyse(&sample.elf);
    if started.elapsed() > SLOW {
        failures.push(format!("seed {seed}, {:?}: the analysis takes {:?}", sample.dress, started.elapsed()));
    }
    let (calls, _) = run(&sample);
    let missed = misses(&analysis, &calls);
    if !missed.is_empty() {
        failures.push(format!("seed {seed}, {:?}: MISSED {}", sample.dress, missed.join(", ")));
        if let Ok(folder) = std::env::var("ZEROOS_RANDOM_KEEP") {
            std::fs::write(format!("{folder}/random-{seed}"), &sample.file).unwrap();
        }
    }
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    let bounded = reachable.clone().filter(|site| site.evidence.numbers().is_some());
    (bounded.count(), reachable.count())
}

#[test]
fn random_programs_make_no_call_that_the_analysis_excludes() {
    let (first, count) = (setting("ZEROOS_RANDOM_SEED", 1), setting("ZEROOS_RANDOM_PROGRAMS", 3000));
    let habits = Habits(
        setting("ZEROOS_RANDOM_HABITS", (Habits::DATA | Habits::LINKS | Habits::DISTANCES).into()) as u32 & Habits::ALL,
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8) as u64;
    let part = |thread: u64| {
        let mut failures = Vec::new();
        let seeds = (first..first + count).filter(|seed| seed % threads == thread);
        let sites = seeds.map(|seed| check(seed, habits, &mut failures));
        let sites = sites.fold((0, 0), |sum, sites| (sum.0 + sites.0, sum.1 + sites.1));
        (failures, sites)
    };
    let part = &part;
    let parts: Vec<_> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    });
    let (bounded, sites) = parts.iter().fold((0, 0), |sum, (_, sites)| (sum.0 + sites.0, sum.1 + sites.1));
    let failures: Vec<&String> = parts.iter().flat_map(|(failures, _)| failures).collect();
    println!("{count} programs, {bounded} of {sites} sites bounded, {} programs with misses", failures.len());
    let some = failures.iter().take(20).map(|failure| failure.as_str()).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} programs:\n{some}", failures.len());
    assert!(sites > 5 * count as usize && bounded > sites / 5, "{bounded} of {sites} sites are bounded: too few");
}

/// Programs whose numbers are all harmless do the same under QEMU, call for call: the machine is a fair judge.
#[test]
fn random_programs_do_under_qemu_what_they_do_on_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for seed in (0..).filter(|seed| seed % 3 != 0).take(60) {
        let Some(sample) = Sample::new(seed, Habits(Habits::TAME)) else { continue };
        let (calls, ended) = run(&sample);
        let mut made: BTreeMap<u64, u64> = BTreeMap::new();
        for (&(_, number), count) in &calls.0 {
            *made.entry(number).or_insert(0) += count;
        }
        let tame = made.keys().all(|number| *number == 94 || generate::NUMBERS.contains(&(*number as i32)));
        assert!(tame, "seed {seed} makes {made:?}");
        if ended && made.contains_key(&94) {
            assert_eq!(run_under_qemu(&sample, folder.path()), made, "seed {seed}");
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} programs came to their end");
}
