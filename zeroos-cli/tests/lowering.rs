//! Programs with atomic instructions on a machine that has none: random ones, around every instruction in every arrangement of
//! registers, give what they give under QEMU's user mode; what cannot be replaced is told, all of it at once.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use tool::random::Random;
use tool::{Workplace, example, finish};

/// All but sp, which leads to what was observed.
const REGISTERS: [&str; 30] = [
    "ra", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3", "s4",
    "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

const OPERATIONS: [&str; 9] =
    ["amoswap", "amoadd", "amoxor", "amoand", "amoor", "amomin", "amomax", "amominu", "amomaxu"];

/// How an `sc` is followed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Followed {
    /// By the branch that tries again.
    ByBranch,
    /// By the branch, which another path enters, too.
    ByEnteredBranch,
    /// By something else.
    Otherwise,
}

/// An instruction or a pair of them, at `index`, and then all registers of a random choice and memory, as they are.
fn block(random: &mut Random, spare: &str, index: usize) -> String {
    let mut lines = Vec::new();
    let width = random.pick(&["w", "d"]);
    let order = random.pick(&["", ".aq", ".rl", ".aqrl"]);
    let values = [0, 1, u64::MAX, 1 << 31, (1 << 31) - 1, 1 << 63, random.next()];
    let (in_memory, operand) = (random.pick(&values), random.pick(&values));
    lines.push(format!("lla t0, cell\n li t1, {in_memory:#x}\n sd t1, 0(t0)"));
    for register in REGISTERS.into_iter().filter(|&register| register != spare) {
        lines.push(format!("li {register}, {:#x}", random.next()));
    }
    let mut other_than = |address| loop {
        let register = random.pick(&REGISTERS);
        if register != spare && register != address {
            break register;
        }
    };
    let address = other_than(spare);
    let mut other = || other_than(address);
    let (value, result) = (other(), other());
    // What is not observed is free for the stub.
    let share = random.pick(&[0, 50, 90, 97, 100]);
    let mut observed: Vec<&str> = REGISTERS.into_iter().filter(|&one| one != spare && random.chance(share)).collect();
    lines.push(format!("li {value}, {operand:#x}\n lla {address}, cell"));
    if index.is_multiple_of(3) {
        let followed = random.pick(&[Followed::ByBranch, Followed::ByEnteredBranch, Followed::Otherwise]);
        let success = random.pick(&["zero", result, value]);
        let loaded = if result == success || result == value { "zero" } else { result };
        lines.push(format!("lr_{index}: lr.{width}{order} {loaded}, ({address})"));
        let stored = random.pick(&[value, "zero", address]);
        lines.push(format!("sc.{width} {success}, {stored}, ({address})"));
        match followed {
            // A store-conditional that changes what it stores could not be tried again.
            Followed::ByBranch if success != "zero" && success != stored => {
                lines.push(format!("bnez {success}, lr_{index}"));
            }
            Followed::ByEnteredBranch if success != "zero" && success != stored => {
                lines.push(format!("again_{index}: bnez {success}, lr_{index}\n bltz sp, again_{index}"));
            }
            _ => lines.push("fence".into()),
        }
        observed.push(success);
    } else {
        // Every arrangement: all different, the result where the address or the operand was, or nowhere.
        let result = random.pick(&[result, result, "zero", address, value]);
        let value = random.pick(&[value, value, "zero", address]);
        let operation = random.pick(&OPERATIONS);
        lines.push(format!("{operation}.{width}{order} {result}, {value}, ({address})"));
        observed.push(result);
    }
    for (slot, register) in observed.iter().enumerate() {
        lines.push(format!("sd {register}, {}(sp)", 8 * slot));
    }
    lines.push("lla t0, cell\n ld t0, (t0)\n sd t0, 256(sp)".into());
    lines.push("li a7, 64\n li a0, 1\n mv a1, sp\n li a2, 264\n ecall".into());
    lines.join("\n ") + "\n"
}

/// One register is left alone: one that is dead, or gp, which holds the same in all of the program.
fn program(seed: u64, count: usize) -> String {
    let mut random = Random(seed);
    let spare = if seed.is_multiple_of(2) { random.pick(&["t3", "ra", "a6", "s4"]) } else { "gp" };
    let blocks: String = (1..=count).map(|index| block(&mut random, spare, index)).collect();
    format!(
        ".option norelax
.text
.globl _start
_start: lla gp, cell
    addi sp, sp, -1024
{blocks}
    li a0, 0
    li a7, 93
    ecall
.data
.balign 8
cell: .dword 0
"
    )
}

/// rv64ima as a program that can be placed anywhere.
const FLAGS: [&str; 3] = ["-march=rv64ima", "-mabi=lp64", "-static-pie"];

#[test]
fn random_atomics_do_what_they_do_under_linux() {
    let mut kinds = BTreeSet::new();
    for seed in 0..12 {
        let workplace = Workplace::new();
        // At an address where the platform has memory: addresses are among what is observed.
        let flags = ["-march=rv64ima", "-mabi=lp64", "-Wl,-Ttext-segment=0x90000000"];
        let app = workplace.guest("atomics.S", &program(seed, 60), &flags);
        let reference = finish(Command::new("qemu-riscv64").arg(&app), b"");
        assert_eq!(
            (reference.status, reference.stdout.len()),
            (0, 60 * 264),
            "seed {seed}: the program itself is wrong"
        );
        let build = ["build", &app, "--platform", "zkvm-standard", "-o", "image", "--report", "report"];
        workplace.zeroos(&build).exits(0);
        let finished = workplace.zeroos(&["run", "image"]).exits(0);
        let at = reference.stdout.iter().zip(&finished.stdout).position(|(linux, ours)| linux != ours);
        assert_eq!(at.map(|at| (at / 264 + 1, at % 264 / 8)), None, "seed {seed}: block and slot");
        assert_eq!(finished.stdout.len(), reference.stdout.len());
        let report: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("report")).unwrap()).unwrap();
        for (kind, lowered) in report["lowered"].as_object().unwrap() {
            kinds.insert(kind.clone());
            let places = lowered["places"].as_array().unwrap();
            assert_eq!(lowered["sites"].as_u64().unwrap(), places.len() as u64);
            if kind.starts_with("lr") || kind == "fence" {
                assert_eq!((&lowered["in_place"], &lowered["extra_instructions"]), (&lowered["sites"], &0.into()));
            }
        }
    }
    // 9 operations, `lr` and `sc` in two widths, and `fence`.
    assert_eq!(kinds.len(), 23, "{kinds:?}");
}

/// More than 1 MiB from any room for stubs. What cannot take along what stands before it has its stub in unused text.
#[test]
fn atomics_in_far_text_take_the_instruction_before_them_along() {
    let workplace = Workplace::new();
    let flags = ["-march=rv64ima", "-mabi=lp64", "-Wl,-Ttext-segment=0x90000000"];
    let before = ["addi a1, a1, 3", "ld a1, 8(a0)", "slli a1, a1, 2", "mv a3, a1", "li t6, 5"];
    let operations = OPERATIONS.iter().zip(before.iter().cycle());
    let body: String = operations
        .map(|(operation, before)| format!("{before}\n {operation}.d a2, a1, (a0)\n sd a2, 8(a0)\n"))
        .collect();
    let source = format!(
        ".text\n.skip 0x280000\n.globl _start\n_start: lla a0, cell\n li a1, 77\n li a3, 0\n {body} \
         add a1, a1, a3\n sd a1, 16(a0)\n mv a1, a0\n li a2, 24\n li a0, 1\n li a7, 64\n ecall\n \
         li a0, 0\n li a7, 93\n ecall\n.skip 0x280000\n.data\n.balign 8\ncell: .dword 5, 6, 7\n"
    );
    let app = workplace.guest("far.S", &source, &flags);
    let reference = finish(Command::new("qemu-riscv64").arg(&app), b"");
    assert_eq!((reference.status, reference.stdout.len()), (0, 24));
    let build = ["build", &app, "--platform", "zkvm-standard", "-o", "image", "--report", "report"];
    workplace.zeroos(&build).exits(0);
    assert_eq!(workplace.zeroos(&["run", "image"]).exits(0).stdout, reference.stdout);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("report")).unwrap()).unwrap();
    let lowered = report["lowered"].as_object().unwrap();
    assert_eq!(lowered.len(), OPERATIONS.len());
    let distance = |place: &serde_json::Value| {
        let address = |name: &str| u64::from_str_radix(&place[name].as_str().unwrap()[2..], 16).unwrap();
        address("placed").abs_diff(address("stub"))
    };
    assert!(lowered.values().all(|kind| distance(&kind["places"][0]) > 1 << 20), "{report}");

    let target = source.replace("addi a1, a1, 3\n", "beqz a0, 1f\n addi a1, a1, 3\n 1: ");
    let app = workplace.guest("target.S", &target, &flags);
    let reference = finish(Command::new("qemu-riscv64").arg(&app), b"");
    workplace.zeroos(&["build", &app, "--platform", "zkvm-standard", "-o", "image", "--report", "report"]).exits(0);
    assert_eq!(workplace.zeroos(&["run", "image"]).exits(0).stdout, reference.stdout);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("report")).unwrap()).unwrap();
    let places = report["lowered"].as_object().unwrap().values().map(|kind| &kind["places"][0]);
    let inside: Vec<&serde_json::Value> = places.filter(|place| place["in_unused_text"] == true).collect();
    assert!(inside.len() == 2 && inside.iter().all(|place| distance(place) < 1 << 20), "{report}");

    // What is neither code nor zeros is no space for stubs.
    let app = workplace.guest("full.S", &target.replace(".skip 0x280000", ".skip 0x280000, 0xff"), &flags);
    let refused = workplace.zeroos(&["build", &app, "--platform", "zkvm-standard"]).exits(1);
    refused.says(&["2 instructions of A cannot be replaced, for want of room for a stub within 1 MiB: `amoswap.d"]);
}

/// A program that makes `call` somewhere between an `lr` and its `sc`.
fn reserving(between: &str) -> String {
    format!(
        ".globl _start\n_start: lla a0, cell\n again: lr.w a1, (a0)\n {between}\n sc.w a2, a1, (a0)\n bnez a2, again\n \
         li a7, 93\n li a0, 0\n ecall\n function: ret\n .data\n cell: .dword 0\n"
    )
}

#[test]
fn a_store_conditional_that_may_fail_is_told_with_the_reason() {
    let workplace = Workplace::new();
    for (between, why) in [
        ("li a7, 172\n ecall\n lla a0, cell", "its address changes at 0x"),
        ("li a7, 124\n ecall", "the `ecall` at 0x"),
        ("jal function", "a function is called right before 0x"),
        ("sc.w a3, a1, (a0)", "the `sc` at 0x"),
        ("lr.d a3, (a0)", "the `lr` at 0x"),
        ("mv a3, a0\n lr.w a4, (a3)", "reserves something else"),
    ] {
        let app = workplace.guest("reserving.S", &reserving(between), &FLAGS);
        let refused = workplace.zeroos(&["build", &app, "--platform", "zkvm-standard"]).exits(1);
        refused.says(&["error[ZOS-E0503]", "`sc.w a2, a1, (a0)` at 0x", "in ", why, "  help: "]);
    }
    let app = workplace.guest("reserving.S", &reserving("addi a1, a1, 1"), &FLAGS);
    workplace.zeroos(&["run", "--platform", "zkvm-standard", &app]).exits(0);
}

/// Everything that is in the way, in one error, with what to do.
#[test]
fn a_program_for_a_full_machine_meets_all_obstacles_at_once() {
    let workplace = Workplace::new();
    let refused = workplace.zeroos(&["build", &example("hello-c/bin/gc-exec"), "--platform", "sp1"]).exits(1);
    assert_eq!(refused.stderr.matches("error[").count(), 1, "{}", refused.stderr);
    refused.says(&[
        "error[ZOS-E0503]",
        "platform `sp1` is rv64im and cannot hold this program:",
        "\n  - 3672 instructions of C: `addi sp, sp, -16` at 0x101b4 in ",
        "\n  - 19 instructions of F: ",
        "\n  - 2 instructions of D: `fld fa0, 0(a5)` at 0x10520 in ",
        "\n  - the program lies at 0x10000..0x18000, but platform `sp1` has memory at ",
        "\n  help: rebuild the program and its libraries for rv64ima, lp64",
        "`-march=rv64ima -mabi=lp64`",
        "static-PIE",
    ]);
}

#[test]
fn counters_that_the_machine_lacks_are_told() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: rdtime a0\n rdinstret a1\n fence.i\n li a7, 93\n li a0, 0\n ecall\n";
    let app = workplace.guest("counters.S", source, &["-march=rv64ima_zicsr_zifencei", "-mabi=lp64", "-static-pie"]);
    let refused = workplace.zeroos(&["build", &app, "--platform", "sp1"]).exits(1);
    refused.says(&["2 reads of counters that it lacks: ", "writes code as it runs: `fence.i` at 0x", "clock_gettime"]);
}

/// Where no one gets: an atomic instruction, one of floating point, and what is no instruction at all.
const UNREACHED: &str = ".globl _start\n_start: li a7, 93\n li a0, 0\n ecall\n \
    never: amoadd.w a0, a1, (a0)\n .word 0x02a5f553\n zeros: .word 0, 0\n";

#[test]
fn what_no_one_reaches_is_filled_where_the_loader_decodes_it() {
    let workplace = Workplace::new();
    let script = format!("-Wl,-z,norelro,-z,separate-code,-T,{}/../templates/apart.ld", env!("CARGO_MANIFEST_DIR"));
    let apart = [&FLAGS[..], &[&script]].concat();
    let app = workplace.guest("unreached.S", UNREACHED, &apart);
    let build = ["build", &app, "--platform", "sp1", "-o", "image", "--report", "report"];
    workplace.zeroos(&build).exits(0);
    workplace.zeroos(&["run", "image"]).exits(0);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("report")).unwrap()).unwrap();
    assert_eq!(report["filled_bytes"], 16);

    let read = UNREACHED.replace("li a0, 0", "lla a1, zeros\n lw a0, 0(a1)");
    let app = workplace.guest("read.S", &read, &apart);
    let refused = workplace.zeroos(&["build", &app, "--platform", "sp1"]).exits(1);
    refused.says(&["error[ZOS-E0503]", "its code segment holds 0x", "the program computes the address 0x"]);

    let read = UNREACHED.replace("li a0, 0", "lw a1, zeros");
    let app = workplace.guest("literal.S", &read, &apart);
    let refused = workplace.zeroos(&["build", &app, "--platform", "sp1"]).exits(1);
    refused.says(&["error[ZOS-E0503]", "its code segment holds 0x", "the program may read it"]);
}

/// A real program's image as an independent disassembler sees it.
#[test]
fn an_image_for_a_machine_without_atomics_holds_none() {
    let workplace = Workplace::new();
    let app = example("words-rust/bin/ima-pie");
    workplace.zeroos(&["build", &app, "--platform", "sp1", "-o", "image"]).exits(0);
    let image = workplace.path("image");
    let listing = |path: &std::path::Path| {
        let listing =
            finish(Command::new("riscv64-linux-gnu-objdump").args(["-d", "--no-show-raw-insn"]).arg(path), b"");
        assert_eq!(listing.status, 0, "{}", listing.stderr);
        let atomic = |line: &&str| {
            let mnemonic = line.split('\t').nth(1).unwrap_or_default();
            ["lr.", "sc.", "amo", "fence"].iter().any(|start| mnemonic.starts_with(start))
        };
        (listing.text().lines().filter(atomic).count(), listing.text().lines().count())
    };
    let (before, _) = listing(app.as_ref());
    let (after, lines) = listing(&image);
    assert!(before > 200 && after == 0 && lines > 50_000, "{before} before, {after} of {lines} after");
}

/// revm has more than 1 MiB of code, and atomic instructions near its start: no stub behind the code is near enough.
#[test]
fn the_first_part_of_long_code_has_its_stubs_in_front() {
    let workplace = Workplace::new();
    let app = example("evm-rust/bin/ima-pie");
    workplace.zeroos(&["build", &app, "--platform", "sp1", "-o", "image"]).exits(0);
    let (block, expected) = (example("evm-rust/input/block.txt"), example("evm-rust/expected.public"));
    workplace.zeroos(&["run", "--input", &block, "--public-output", "output", "image"]).exits(0);
    assert_eq!(fs::read(workplace.path("output")).unwrap(), fs::read(expected).unwrap());
}

/// All stubs lie in front of code whose end is too far away; the kernel's code follows the program's all the same.
#[test]
fn code_has_no_gap_where_all_stubs_lie_in_front() {
    let workplace = Workplace::new();
    let source = ".option norelax\n.globl _start\n_start: li a7, 174\n ecall\n lla t0, far\n jalr t0\n li a0, 42\n li a7, 93\n ecall\n\
        .rept 0x60000\n nop\n .endr\nfar: ret\n.data\n.dword 5\n";
    let script = format!("-Wl,-z,norelro,-z,separate-code,-T,{}/../templates/apart.ld", env!("CARGO_MANIFEST_DIR"));
    let app = workplace.guest("near.S", source, &[&FLAGS[..], &[&script]].concat());
    workplace.zeroos(&["run", "--platform", "sp1", &app]).exits(42);
}
