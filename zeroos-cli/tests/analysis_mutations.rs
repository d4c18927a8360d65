//! Hostile input: programs damaged at random must be refused or analysed, without a panic, in bounded time and with
//! bounded memory. The damage goes where it changes most: headers, section and symbol tables, relocations, unwind
//! tables, jump tables, code, and Go's function table if `ZEROOS_GO_PROGRAM` names a Go program (a built one takes a
//! toolchain that is not always there). `ZEROOS_MUTATIONS` multiplies the rounds for longer hunts.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use object::{Object, ObjectSection};
use zeroos::analysis::{Analysis, analyse};
use zeroos::elf::AppElf;
use zeroos::manifest::Manifest;

/// Counts what each thread has allocated and not freed, and the most that was.
struct Counting;

thread_local! {
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn note(more: usize, less: usize) {
    let _ = HELD.try_with(|held| {
        let now = held.get().0.wrapping_add(more).wrapping_sub(less);
        // What another thread allocated may be freed here: that counts as nothing.
        let now = if now > isize::MAX as usize { 0 } else { now };
        held.set((now, held.get().1.max(now)));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promises are those of `System.alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// xorshift64*: the same damage on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 8) as usize % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Parts of a file, by what they are.
fn parts(bytes: &[u8]) -> BTreeMap<String, Range<usize>> {
    let word = |at: usize, size: usize| {
        let mut word = [0; 8];
        word[..size].copy_from_slice(&bytes[at..at + size]);
        u64::from_le_bytes(word) as usize
    };
    let (programs, sections) = (word(32, 8), word(40, 8));
    let mut parts = BTreeMap::from([
        ("ELF header".to_owned(), 16..64),
        ("program headers".to_owned(), programs..programs + 56 * word(56, 2)),
        ("section headers".to_owned(), sections..sections + 64 * word(60, 2)),
        ("all".to_owned(), 0..bytes.len()),
    ]);
    let file = object::File::parse(bytes).unwrap();
    for section in file.sections() {
        if let (Some((start, size)), Ok(name)) = (section.file_range(), section.name()) {
            parts.insert(name.to_owned(), start as usize..(start + size) as usize);
        }
    }
    parts.retain(|_, part| part.start < part.end && part.end <= bytes.len());
    parts
}

/// Numbers on which size computations go wrong.
fn awkward(random: &mut Random, size: usize) -> u64 {
    let size = size as u64;
    let plain = [0, 1, 2, 7, 8, 0x7f, 0xff, 0x1000, 0xffff, size, size - 1, size + 1, 0x7fff_ffff, 0xffff_ffff];
    match random.below(4) {
        0 => random.next(),
        1 => u64::MAX - random.pick(&plain),
        2 => (1 << 63) + random.pick(&plain),
        _ => random.pick(&plain),
    }
}

/// An instruction that leads somewhere else: jumps, calls, branches, addresses, table loads.
fn wild_instruction(random: &mut Random) -> u32 {
    let opcode = random.pick(&[0x6f, 0xef, 0x67, 0xe7, 0x63, 0x17, 0x37, 0x13, 0x3, 0x23, 0x73, 0x2f]);
    random.next() as u32 & 0xffff_ff80 | opcode
}

fn damage(bytes: &mut [u8], part: Range<usize>, random: &mut Random) {
    for _ in 0..=random.below(12) {
        let at = part.start + random.below(part.len());
        let rest = part.end - at;
        let end = at + random.below(64).min(rest);
        match random.below(7) {
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at..end].fill(random.pick(&[0, 0xff])),
            3 => {
                let from = random.below(bytes.len() - (end - at));
                bytes.copy_within(from..from + (end - at), at);
            }
            4 => {
                let at = part.start + (at - part.start) / 4 * 4;
                let instruction = wild_instruction(random).to_le_bytes();
                bytes[at..].iter_mut().zip(instruction).for_each(|(byte, new)| *byte = new);
            }
            _ => {
                // A field of a table: aligned, and of its size.
                let size = random.pick(&[2, 4, 8]);
                let at = part.start + (at - part.start) / size * size;
                let number = awkward(random, bytes.len()).to_le_bytes();
                bytes[at..part.end].iter_mut().zip(&number[..size]).for_each(|(byte, &new)| *byte = new);
            }
        }
    }
}

/// The worst that was met.
#[derive(Default)]
struct Tally {
    rounds: usize,
    analysed: usize,
    slowest: Duration,
    /// Bytes held at once beyond the file, for each byte of the file.
    hungriest: usize,
}

/// Damages the program so many times; each must be handled within generous limits.
fn hunt(path: &Path, rounds: usize, only: Option<&str>, tally: &mut Tally) {
    let original = std::fs::read(path).unwrap();
    let mut parts = parts(&original);
    parts.retain(|name, _| only.is_none_or(|only| name == only));
    let names: Vec<&String> = parts.keys().collect();
    let mut random = Random(0x5eed ^ original.len() as u64);
    for round in 0..rounds {
        let name = random.pick(&names);
        let mut bytes = original.clone();
        damage(&mut bytes, parts[name].clone(), &mut random);
        let case = format!("{}, round {round} in {name}", path.display());
        let held_before = HELD.with(|held| {
            held.set((held.get().0, held.get().0));
            held.get().0
        });
        let started = Instant::now();
        if let Ok(elf) = AppElf::parse(bytes) {
            let analysis = analyse(&elf);
            tally.analysed += 1;
            assert!(analysis.sites.windows(2).all(|pair| pair[0].address < pair[1].address), "{case}");
            let manifest = Manifest::new(&elf, &analysis, &BTreeMap::new());
            assert!(!manifest.to_json().unwrap().is_empty() && !manifest.to_table().is_empty(), "{case}");
        }
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(20), "{case} takes {elapsed:?}");
        let held = HELD.with(|held| held.get().1) - held_before;
        // A file can ask for a page of tables with few bytes, so small ones have a floor.
        assert!(held < (64 << 20) + 400 * original.len(), "{case} needs {held} bytes");
        tally.rounds += 1;
        tally.slowest = tally.slowest.max(elapsed);
        tally.hungriest = tally.hungriest.max(held / original.len());
    }
}

#[test]
fn damaged_programs_are_refused_or_analysed_in_bounded_time_and_memory() {
    let factor: usize = std::env::var("ZEROOS_MUTATIONS").map_or(1, |text| text.parse().unwrap());
    let example = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let mut tally = Tally::default();
    for flavour in ["gc-exec", "gc-pie", "imac-exec", "imac-pie"] {
        hunt(&example("hello-minimal-c/bin").join(flavour), 1500 * factor, None, &mut tally);
    }
    hunt(&example("hello-c/bin/gc-exec-symbols"), 800 * factor, None, &mut tally);
    hunt(&example("exceptions-cpp/bin/gc-pie"), 60 * factor, None, &mut tally);
    hunt(&example("exceptions-cpp/bin/gc-exec"), 60 * factor, Some(".eh_frame"), &mut tally);
    hunt(&example("hello-glibc/bin/gc-exec"), 60 * factor, None, &mut tally);
    match std::env::var_os("ZEROOS_GO_PROGRAM").map(PathBuf::from) {
        Some(program) => hunt(&program, 20 * factor, Some(".gopclntab"), &mut tally),
        None => println!("Go's function table is left out: ZEROOS_GO_PROGRAM names no program"),
    }
    let Tally { rounds, analysed, slowest, hungriest } = tally;
    println!(
        "{analysed} of {rounds} accepted; slowest {slowest:?}; at most {hungriest} bytes held for one of the file"
    );
    assert!(analysed > rounds / 3, "only {analysed} of {rounds} were accepted: the damage hits too hard");
}

/// Data holds the address of each instruction of a function: none may cost as much as all that follow it.
#[test]
fn a_label_at_every_instruction_takes_bounded_time() {
    for (count, instruction) in [(16000, "addi a0, a0, 1"), (1000, "bnez a0, .+4")] {
        let source = format!(
            ".option norelax\n.option norvc\n.globl _start\n.type _start, @function\n_start: lla t1, table\n ld a0, 0(sp)\n\
             slli a0, a0, 3\n add t1, t1, a0\n ld t0, 0(t1)\n sd t0, -8(sp)\n jal function\n li a7, 94\n ecall\n\
             .type function, @function\nfunction: .rept {count}\n {instruction}\n .endr\n ret\n.data\n.balign 8\n\
             table: .set next, 4\n .rept {count}\n .dword function + next\n .set next, next + 4\n .endr\n"
        );
        let (analysis, elapsed, _) = measured(assembled(&source));
        assert!(elapsed < Duration::from_secs(3), "{count} times `{instruction}` take {elapsed:?}");
        assert!(analysis.sites.iter().all(|site| site.evidence.numbers().is_none()), "what was left out counts");
    }
}

/// Thousands of functions that call or jump by tables which name all of them: none may cost as much as its table is long.
#[test]
fn tables_of_all_functions_take_bounded_time_and_memory() {
    let by_table = "addi sp, sp, -16\n sd ra, 8(sp)\n slli a0, a0, 2\n lla a5, distances\n add a4, a5, a0\n lw a4, 0(a4)\n \
                    add a4, a4, a5\n jalr a4\n ld ra, 8(sp)\n addi sp, sp, 16\n ret";
    let cases = [
        ("calls by one table", by_table.to_owned()),
        ("calls by tables within a table", by_table.replace("distances", "distances + 4 * next")),
        ("jumps to any function", "ld a5, 0(s1)\n addi s1, s1, 8\n jr a5".to_owned()),
        ("jumps to any label", "addi sp, sp, -16\n ld a5, 0(s1)\n addi s1, s1, 8\n jr a5".to_owned()),
    ];
    for (name, function) in cases {
        let source = format!(
            ".altmacro\n.option norelax\n.globl _start\n_start: lla s1, words\n jal f0\n li a7, 94\n ecall\n\
             .macro function number\nf\\number: {function}\n.endm\n\
             .macro distance number\n.word f\\number - distances\n.endm\n\
             .macro word number\n.dword f\\number\n.endm\n\
             .set next, 0\n.rept 4000\n function %next\n .set next, next + 1\n.endr\n\
             .section .rodata\n.balign 8\n\
             distances: .set next, 0\n.rept 4000\n distance %next\n .set next, next + 1\n.endr\n\
             words: .set next, 0\n.rept 4000\n word %next\n .set next, next + 1\n.endr\n"
        );
        let program = assembled(&source);
        let limit = (64 << 20) + 400 * program.len();
        let (analysis, elapsed, held) = measured(program);
        assert!(elapsed < Duration::from_secs(5), "{name} take {elapsed:?}");
        assert!(held < limit, "{name} need {held} bytes");
        let numbers = analysis.sites.iter().map(|site| site.evidence.numbers().map(|numbers| numbers.len()));
        assert!(numbers.eq([Some(1)]) || name != "calls by one table", "{:?}", analysis.sites);
    }
}

/// A number that goes through many instructions, tables of equal elements, jumps that nothing is known of in one function, and calls by a table where each function that it
/// names asks who called it.
#[test]
fn what_repeats_by_the_thousand_takes_bounded_time_and_memory() {
    let start = ".altmacro\n.option norelax\n.globl _start\n_start: jal f0\n li a7, 94\n ecall\n";
    let cases = [
        ("instructions", format!("{start}f0: mv a7, a0\n .rept 20000\n addi a7, a7, 1\n .endr\n ecall\n ret\n")),
        ("jumps", format!("{start}f0: .rept 20000\n beqz a0, .+6\n jr a5\n .endr\n ret\n")),
        (
            "tables of one function",
            format!(
                "{start}f0: lla s3, f0\n lla s1, table\n .rept 4000\n slli a5, s2, 1\n add a5, a5, s1\n lh a5, 0(a5)\n \
                 add a5, a5, s3\n jalr a5\n addi s1, s1, 2\n .endr\n ret\n.section .rodata\ntable: .zero 80000\n"
            ),
        ),
        (
            "numbers from a table's callers",
            format!(
                "{start}.macro function number\nf\\number: addi sp, sp, -16\n sd ra, 8(sp)\n ecall\n slli t0, a0, 2\n \
                 lla t1, table\n add t0, t0, t1\n lw t0, 0(t0)\n add t0, t0, t1\n jalr t0\n ld ra, 8(sp)\n \
                 addi sp, sp, 16\n ret\n.endm\n.macro element number\n.word f\\number - table\n.endm\n\
                 .set next, 0\n.rept 1000\n function %next\n .set next, next + 1\n.endr\n.section .rodata\n.balign 4\n\
                 table: .set next, 0\n.rept 1000\n element %next\n .set next, next + 1\n.endr\n"
            ),
        ),
    ];
    for (name, source) in cases {
        let program = assembled(&source);
        let limit = (64 << 20) + 400 * program.len();
        let (_, elapsed, held) = measured(program);
        assert!(elapsed < Duration::from_secs(5), "{name} take {elapsed:?}");
        assert!(held < limit, "{name} need {held} bytes");
    }
}

/// The program that `source` is, without symbols.
fn assembled(source: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("source.S"), folder.path().join("program"));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("riscv64-linux-gnu-gcc");
    let compiled = compiler.args(["-nostdlib", "-static", "-no-pie", "-s"]).arg(&file).arg("-o").arg(&program).status();
    assert!(compiled.unwrap().success());
    std::fs::read(&program).unwrap()
}

/// The analysis of `program`, how long it took, and the most bytes that it held at once.
fn measured(program: Vec<u8>) -> (Analysis, Duration, usize) {
    let held_before = HELD.with(|held| {
        held.set((held.get().0, held.get().0));
        held.get().0
    });
    let started = Instant::now();
    let analysis = analyse(&AppElf::parse(program).unwrap());
    (analysis, started.elapsed(), HELD.with(|held| held.get().1) - held_before)
}
