//! Random programs whose calls have every shape that matters for replacing an `ecall`, and which check for themselves that
//! a call changes nothing but a0: no register, integer or floating point, and no byte below the stack pointer. Each runs
//! under QEMU's user mode first, which shows that the program is right, then with stubs and with traps, or on a machine without
//! CSRs.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::collections::BTreeSet;
use std::process::Command;

use tool::random::Random;
use tool::{Workplace, finish};

/// A call with the arguments that it is made with; all other registers are free.
type Call = (u64, &'static [(&'static str, &'static str)]);

/// Calls that return, and write to `buffer` only.
const CALLS: [Call; 12] = [
    (172, &[]),
    (178, &[]),
    (174, &[]),
    (124, &[]),
    (113, &[("a0", "1"), ("a1", "buffer")]),
    (64, &[("a0", "1"), ("a1", "buffer"), ("a2", "0")]),
    (214, &[("a0", "0")]),
    (57, &[("a0", "-1")]),
    (98, &[("a0", "buffer"), ("a1", "129"), ("a2", "1"), ("a3", "0")]),
    (135, &[("a0", "0"), ("a1", "0"), ("a2", "buffer"), ("a3", "8")]),
    (132, &[("a0", "0"), ("a1", "buffer")]),
    (73, &[("a0", "buffer"), ("a1", "0"), ("a2", "zeros"), ("a3", "0"), ("a4", "8")]),
];

/// How the number comes into a7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Shape {
    /// `li a7, N` right before.
    Adjacent,
    /// Other instructions between.
    Apart,
    /// From another register.
    Moved,
    /// From the stack.
    Loaded,
    /// A branch goes to the `ecall` itself.
    Target,
    /// Two paths with two numbers meet there.
    Joined,
}

const SHAPES: [Shape; 6] = [Shape::Adjacent, Shape::Apart, Shape::Moved, Shape::Loaded, Shape::Target, Shape::Joined];

/// What may hold a value across a call; sp, and s9, which most shapes use, are left out.
const REGISTERS: [&str; 27] = [
    "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", "gp", "tp", "a1", "a2", "a3", "a4", "a5", "a6", "s0", "s1", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s10", "s11",
];

/// The machine that a program is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Machine {
    /// With floating point and CSRs.
    Full,
    /// With neither: stubs need a register, and there is always one.
    WithoutCsrs,
    /// With neither, where all registers may be taken but gp, which never changes.
    WithoutCsrsOrRegisters,
}

/// Words below the stack pointer that are watched.
const WATCHED: u64 = 24;

/// One call with all that is checked of it, at `index`, which is the status if something changed.
fn block(random: &mut Random, machine: Machine, shape: Shape, index: usize) -> String {
    let (number, arguments) = random.pick(&CALLS);
    let mut lines = vec![format!(".balign {}", random.pick(&[2, 4])), format!("site_{index}_{shape:?}:")];
    let pattern = |word: u64| 0x1234_5678 * (word + index as u64 + 1);
    for word in 1..=WATCHED {
        lines.push(format!("li t0, {:#x}\n sd t0, -{}(sp)", pattern(word), 8 * word));
    }
    let float = random.next();
    if machine == Machine::Full {
        lines.push(format!("li t0, {float:#x}\n fmv.d.x ft3, t0\n fmv.d.x fs3, t0"));
    }
    let spare = match machine {
        Machine::Full => None,
        Machine::WithoutCsrs => Some(random.pick(&["t2", "t6", "ra", "a6"])),
        Machine::WithoutCsrsOrRegisters => Some("gp"),
    };
    let mut checks = Vec::new();
    for &(register, value) in arguments {
        let load = if value.starts_with(char::is_alphabetic) { "lla" } else { "li" };
        lines.push(format!("{load} {register}, {value}"));
        if register != "a0" && random.chance(50) {
            checks.push(format!("{load} a0, {value}\n check {register}, {index}"));
        }
    }
    if shape == Shape::Apart {
        lines.push(format!("li a7, {number}"));
    }
    // Adjacent loads find in turn no register taken, all of them, and all but those that callees keep.
    let turn = index / SHAPES.len() % 3;
    let share = if shape == Shape::Adjacent { [0, 100, 100][turn] } else { random.pick(&[0, 10, 50, 100]) };
    let is_kept = |register: &str| register.starts_with('s');
    for register in REGISTERS.into_iter().chain(["s9"]).filter(|&register| Some(register) != spare) {
        let is_taken = match shape {
            Shape::Adjacent => turn == 1 || turn == 2 && !is_kept(register),
            _ => register != "s9" && random.chance(share),
        };
        if is_taken && !arguments.iter().any(|&(argument, _)| argument == register) {
            let value = random.next();
            lines.push(format!("li {register}, {value:#x}"));
            checks.push(format!("li a0, {value:#x}\n check {register}, {index}"));
        }
    }
    let other = if shape == Shape::Joined { 155 } else { number };
    lines.push(match shape {
        Shape::Apart => random.pick(&["nop", "nop\n nop", ".option norvc\n nop", "srli s9, sp, 3\n nop"]).into(),
        Shape::Loaded => format!("li s9, {number}\n .option norvc\n sd s9, -512(sp)\n ld a7, -512(sp)"),
        Shape::Adjacent => format!(".option norvc\n li a7, {number}"),
        Shape::Moved => format!("li s9, {number}\n {}mv a7, s9", random.pick(&["", "nop\n ", ".option norvc\n "])),
        Shape::Target | Shape::Joined => {
            format!("lla s9, zeros\n ld s9, (s9)\n li a7, {number}\n beqz s9, 1f\n .option norvc\n li a7, {other}\n 1:")
        }
    });
    lines.push("ecall\n .option rvc".into());
    if random.chance(share) {
        checks.push(format!("li a0, {number}\n check a7, {index}"));
    }
    while !checks.is_empty() {
        let next = (random.next() % checks.len() as u64) as usize;
        lines.push(checks.swap_remove(next));
    }
    if machine == Machine::Full {
        for register in ["ft3", "fs3"] {
            lines.push(format!("li a0, {float:#x}\n fmv.x.d t0, {register}\n check t0, {index}"));
        }
    }
    for word in 1..=WATCHED {
        lines.push(format!("li a0, {:#x}\n ld t0, -{}(sp)\n check t0, {index}", pattern(word), 8 * word));
    }
    lines.join("\n ") + "\n"
}

/// A program with `count` blocks; `reached` is code that is reachable and never executed, `space` (bytes, and what
/// they are) is before and behind all code.
fn program(random: &mut Random, machine: Machine, count: usize, reached: &str, space: &str) -> String {
    let blocks: String = (1..=count).map(|index| block(random, machine, SHAPES[index % SHAPES.len()], index)).collect();
    format!(
        ".option norelax
.macro check register, status
    beq \\register, a0, 77f
    li a0, \\status
    j fail
77:
.endm
.text
.skip {space}
.globl _start
_start: lla gp, zeros
    addi sp, sp, -1024
    li a7, 172
    ecall
    bgtz a0, 1f
    {reached}
1:
{blocks}
    li a0, 0
    li a7, 93
    ecall
fail: li a7, 93
    ecall
.skip {space}
.data
.balign 8
zeros: .dword 0, 0
buffer: .space 256
"
    )
}

/// Builds and runs `source` in every way. Of each site whether it is direct, how it gets to its stub, and why it
/// traps if it does.
fn nothing_changes(name: &str, machine: Machine, source: &str, flags: &[&str]) -> Vec<(bool, String, String)> {
    let workplace = Workplace::new();
    let app = workplace.guest("shapes.S", source, flags);
    let reference = finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"");
    assert_eq!(reference.status, 0, "{name}: the program itself is wrong");
    workplace.platform_without_csrs();
    let ways: &[&[&str]] = match machine {
        Machine::Full => &[&["--entry", "trap"], &["--entry", "auto"]],
        Machine::WithoutCsrs | Machine::WithoutCsrsOrRegisters => &[&["--platform", "plain"]],
    };
    for way in ways {
        let build = ["build", &app, "-o", "image", "--report", "report"];
        let image = workplace.zeroos(&[&build[..], way].concat());
        assert_eq!(image.status, 0, "{name}: {}", image.stderr);
        let finished = workplace.zeroos(&["run", "--max-instructions", "3000000", "image"]);
        assert_eq!((finished.status, &finished.stdout), (0, &Vec::new()), "{name} {way:?}: {}", finished.stderr);
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    let sites = report["sites"].as_array().unwrap().iter().map(|site| {
        let text = |what: &str| site[what].as_str().unwrap_or_default().to_owned();
        (site["entry"] == "direct", text("jump"), text("reason"))
    });
    sites.collect()
}

/// What makes a kernel with a scheduler and with signal handlers.
const THREADS: &str = "li a7, 220\n ecall\n li a7, 134\n ecall\n li a7, 131\n ecall";

#[test]
fn nothing_but_a0_changes_in_a_program_without_threads() {
    for seed in 0..4 {
        let source = program(&mut Random(seed), Machine::Full, 30, "", "0");
        for flags in [&[][..], &["-static-pie"]] {
            let sites = nothing_changes(&format!("seed {seed} {flags:?}"), Machine::Full, &source, flags);
            assert!(sites.len() > 30 && sites.iter().all(|(direct, jump, _)| *direct && jump == "near"), "{sites:?}");
        }
    }
}

#[test]
fn nothing_but_a0_changes_in_a_program_with_threads_and_signals() {
    for seed in 100..104 {
        let source = program(&mut Random(seed), Machine::Full, 30, THREADS, "0");
        for flags in [&[][..], &["-static-pie"]] {
            let sites = nothing_changes(&format!("seed {seed} {flags:?}"), Machine::Full, &source, flags);
            assert!(sites.len() > 30 && sites.iter().all(|(direct, jump, _)| *direct && jump == "near"), "{sites:?}");
        }
    }
}

/// Far away text, with nothing that could be code between.
const NO_CODE: &str = "0x280000, 0xff";

/// More than 1 MiB from any room for stubs: calls are replaced together with what stands right before them, if that sets the
/// number or can move; all others keep their trap, and say why.
#[test]
fn nothing_but_a0_changes_in_far_text() {
    for (seed, reached) in [(200, ""), (201, THREADS)] {
        let source = program(&mut Random(seed), Machine::Full, 40, reached, NO_CODE);
        let sites = nothing_changes(&format!("seed {seed}"), Machine::Full, &source, &[]);
        let count = |direct| sites.iter().filter(|site| site.0 == direct).count();
        assert!(count(true) >= 15 && count(false) >= 10, "{sites:?}");
        let is_far = |(direct, jump, reason): &(bool, String, String)| {
            *direct == jump.starts_with("with ") && *direct == reason.is_empty()
        };
        assert!(sites.iter().all(is_far), "{sites:?}");
        let reasons: BTreeSet<&str> = sites.iter().map(|(_, _, reason)| reason.as_str()).collect();
        for part in ["what stands before cannot move", "control enters it", "no register is free"] {
            assert!(reasons.iter().any(|reason| reason.contains(part)), "expected `{part}` in {reasons:?}");
        }
    }
}

/// The same with space in the text: calls go over islands, and those for which no register is free have their stubs there.
#[test]
fn nothing_but_a0_changes_over_islands() {
    for (seed, reached) in [(210, ""), (211, THREADS)] {
        let source = program(&mut Random(seed), Machine::Full, 40, reached, "0x280000");
        let sites = nothing_changes(&format!("seed {seed}"), Machine::Full, &source, &[]);
        let over_islands = sites.iter().filter(|(_, jump, _)| jump == "over an island").count();
        assert!(over_islands >= 8, "{sites:?}");
        assert!(sites.iter().all(|(direct, ..)| *direct), "{sites:?}");
        assert!(sites.iter().any(|(_, jump, _)| jump == "near"), "{sites:?}");
    }
}

#[test]
fn nothing_but_a0_changes_in_far_text_without_csrs() {
    for (seed, reached) in [(310, ""), (311, THREADS)] {
        for machine in [Machine::WithoutCsrs, Machine::WithoutCsrsOrRegisters] {
            let source = program(&mut Random(seed), machine, 30, reached, "0x280000");
            let flags = ["-march=rv64imac", "-mabi=lp64"];
            let sites = nothing_changes(&format!("seed {seed}"), machine, &source, &flags);
            assert!(sites.iter().all(|(direct, ..)| *direct), "{sites:?}");
            assert!(sites.iter().any(|(_, jump, _)| jump == "near"), "{sites:?}");
        }
    }
}

/// Where instructions are four bytes long, what stands before a call can move all the same.
#[test]
fn what_stands_before_moves_where_nothing_is_compressed() {
    let source = ".option norelax\n.globl _start\n.text\n.skip 0x280000, 0xff\n\
        _start: li a7, 174\n li a1, 5\n ecall\n li a7, 93\n addi a0, a1, 37\n ecall\n.skip 0x280000, 0xff\n";
    let workplace = Workplace::new();
    let app = workplace.guest("words.S", source, &["-march=rv64ima", "-mabi=lp64"]);
    assert_eq!(finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"").status, 42);
    workplace.zeroos(&["build", &app, "--entry", "direct", "-o", "image", "--report", "report"]).exits(0);
    workplace.zeroos(&["run", "--max-instructions", "1000", "image"]).exits(42);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    let mut sites = report["sites"].as_array().unwrap().iter();
    assert!(sites.all(|site| site["jump"] == "with what stood before it"), "{report}");
}

/// Islands lie where nobody executes or reads, and nowhere else.
#[test]
fn islands_lie_in_functions_that_nothing_reaches() {
    let workplace = Workplace::new();
    workplace.platform_without_csrs();
    let flags = ["-march=rv64imac", "-mabi=lp64", "-Wl,--no-relax"];
    let app = workplace.guest("islands.S", include_str!("fixtures/islands.S"), &flags);
    let linux = finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"");
    assert_eq!(linux.status, 42, "the program itself is wrong");
    let way = |options: &[&str]| {
        workplace.zeroos(&[&["build", &app, "-o", "image", "--report", "report"], options].concat()).exits(0);
        workplace.zeroos(&["run", "--max-instructions", "100000", "image"]).exits(42);
        let report = std::fs::read(workplace.path("report")).unwrap();
        serde_json::from_slice::<serde_json::Value>(&report).unwrap()
    };
    assert_eq!(way(&["--entry", "trap"])["trap"], 2);
    for options in [&["--entry", "direct"][..], &["--platform", "plain"], &["--platform", "qemu-virt"]] {
        let report = way(options);
        let sites = report["sites"].as_array().unwrap();
        assert_eq!(sites.len(), 2);
        for site in sites {
            assert_eq!(
                (&site["jump"], &site["island"]["size_bytes"]),
                (&"over an island".into(), &8.into()),
                "{report}"
            );
        }
    }
}

/// Constants among code that the program reads in all the ways there are: as literals, at an index, by an address beside them, by
/// numbers in data that are short or lie anywhere. They are no space for islands, and there is no other.
#[test]
fn what_is_read_among_code_is_no_space_for_islands() {
    for read in [
        "ld t3, table+8",
        "lla t0, first\n ld t3, 16(t0)",
        "lui t1, %hi(table)\n slli t2, s1, 3\n add t2, t2, t1\n ld t3, %lo(table)(t2)",
        "lla t0, table-64\n ld t3, 72(t0)",
        "lla t0, short\n lwu t0, 0(t0)\n ld t3, 8(t0)",
        "lla t0, askew\n ld t0, 0(t0)\n ld t3, 8(t0)",
    ] {
        let source = format!(
            ".option norelax\n.option norvc\n.globl _start\n.text\n.skip 0x280000, 0xff\n.balign 8\nfirst: ret\n.balign 8\n\
             table: .rept 8\n.dword 0x13\n.endr\nsecond: ret\n\
             _start: call first\n call second\n li s1, 2\n\
             again: li a7, 174\n addi s1, s1, -1\n bnez s1, 1f\n li s2, 98\n 1: ecall\n bnez s1, again\n\
             {read}\n addi a0, t3, 23\n li a7, 93\n auipc t0, 0\n ecall\n.skip 0x280000, 0xff\n\
             .data\n.balign 8\nshort: .word table\n.byte 0\naskew: .dword table\n"
        );
        let workplace = Workplace::new();
        let app = workplace.guest("reads.S", &source, &[]);
        assert_eq!(finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"").status, 42, "{read}");
        workplace.zeroos(&["run", "--max-instructions", "100000", &app]).exits(42);
    }
}

/// A place in the middle of a function that another function jumps to reads what it reads.
#[test]
fn what_labels_read_that_others_jump_to_is_kept() {
    let source = ".option norelax\n.globl _start\n\
        _start: lla t0, resume\n lla t1, slot\n sd t0, 0(t1)\n ld t2, 0(sp)\n addi t2, t2, -1\n beqz t2, 1f\n ld t0, 0(t1)\n jr t0\n\
        1: call other\n ebreak\n\
        resume: add a0, a3, a4\n add a0, a0, a5\n add a0, a0, a6\n li a7, 93\n ecall\n\
        .type other, @function\nother: lla t1, slot\n ld t5, 0(t1)\n li a3, 1\n li a4, 2\n li a5, 4\n li a6, 8\n\
        li a0, 1\n lla a1, text\n li a2, 1\n li a7, 64\n ecall\n jr t5\n\
        .data\n.balign 8\nslot: .dword 0\npointer: .dword function\ntext: .byte 10\n.text\nfunction: ret\n";
    let workplace = Workplace::new();
    let app = workplace.guest("labels.S", source, &[]);
    assert_eq!(finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"").status, 15);
    workplace.zeroos(&["run", &app]).exits(15);
}

/// Behind a call through a pointer, what the functions read that it can lead to is alive, and no more: of temporaries mostly nothing.
#[test]
fn what_functions_called_through_pointers_read_is_kept() {
    for reads in [&[][..], &["t0"], &["t1", "a5"], &["t2"]] {
        let set: String =
            ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "a5"].map(|one| format!("li {one}, 77\n")).concat();
        let check: String = reads
            .iter()
            .map(|register| format!("addi {register}, {register}, -77\n or a0, a0, {register}\n"))
            .collect();
        let source = format!(
            ".option norelax\n.globl _start\n_start: lla s0, pointers\n ld s1, 0(s0)\n ld s0, 8(s0)\n{set}\
             li a7, 113\n li a0, 1\n lla a1, buffer\n ecall\n jalr s1\n jalr s0\n li a7, 93\n ecall\n\
             reads: {check} ret\nother: ret\n.data\n.balign 8\npointers: .dword reads, other\nbuffer: .dword 0, 0\n"
        );
        let workplace = Workplace::new();
        let app = workplace.guest("pointers.S", &source, &[]);
        workplace.zeroos(&["build", &app, "-o", "image", "--report", "report"]).exits(0);
        workplace.zeroos(&["run", "image"]).exits(0);
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
        let live: BTreeSet<&str> =
            report["sites"][0]["live"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        for register in ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "a5"] {
            assert_eq!(live.contains(register), reads.contains(&register), "{register} of {reads:?}: {live:?}");
        }
    }
}

#[test]
fn nothing_but_a0_changes_without_csrs() {
    for seed in 300..308 {
        for machine in [Machine::WithoutCsrs, Machine::WithoutCsrsOrRegisters] {
            let reached = if seed % 2 == 0 { "" } else { THREADS };
            let source = program(&mut Random(seed), machine, 30, reached, "0");
            let flags: &[&str] = if seed % 4 < 2 {
                &["-march=rv64imac", "-mabi=lp64"]
            } else {
                &["-march=rv64imac", "-mabi=lp64", "-static-pie"]
            };
            let sites = nothing_changes(&format!("seed {seed} {flags:?}"), machine, &source, flags);
            assert!(sites.len() > 30 && sites.iter().all(|(direct, jump, _)| *direct && jump == "near"), "{sites:?}");
        }
    }
}

/// In far text, a call that a signal interrupted is made again, but not what moved from before it; and an image can start at one.
#[test]
fn what_moved_is_executed_once() {
    let workplace = Workplace::new();
    let app = workplace.guest("again.S", include_str!("fixtures/moved_before.S"), &["-march=rv64imac", "-mabi=lp64"]);
    let linux = finish(Command::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(&app), b"");
    assert_eq!((linux.status, linux.text()), (8, "restart\n"));
    workplace.platform_without_csrs();
    for platform in ["spike", "plain"] {
        for options in [&[][..], &["--snapshot"]] {
            let build = ["build", &app, "-o", "image", "--platform", platform, "--report", "report"];
            workplace.zeroos(&[&build, options].concat()).exits(0);
            let run = workplace.zeroos(&["run", "--trace", "--max-instructions", "100000", "image"]).exits(8);
            assert_eq!(String::from_utf8_lossy(&run.stdout), "restart\n", "{platform} {options:?}");
            // Calls are told with the arguments that they are made with.
            assert!(platform == "plain" || run.stderr.contains("write(0x1, "), "{}", run.stderr);
        }
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    let sites = report["sites"].as_array().unwrap();
    let is_far = |site: &serde_json::Value| site["entry"] == "direct" && site["replaced"]["size_bytes"] == 8;
    assert!(sites.len() == 7 && sites.iter().all(is_far), "{report}");
}
