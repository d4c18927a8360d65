//! The machine with less than it could do: an instruction set, CSRs, aligned accesses, memory with rules.

use std::collections::BTreeSet;

use zeroos::address::Address;
use zeroos::machine::{Ending, Failure, MachineConfig, Protection, Trap};
use zeroos::platform::{InstructionSet, Misaligned, PlatformRegistry};

use crate::bare::{Bare, FINISHER, PASS};
use crate::toolchain::range;

/// A machine of `isa` without traps.
fn without_traps(isa: &str) -> MachineConfig {
    MachineConfig {
        ram: vec![range(0x8000_0000, 0x40000)],
        isa: Some(InstructionSet::parse(isa).unwrap()),
        csrs: Some(BTreeSet::new()),
        test_finisher: Some(Address(FINISHER)),
        max_instructions: Some(10_000),
        ..MachineConfig::default()
    }
}

/// `source` as instructions of 4 bytes, then a regular end.
fn assemble(source: &str) -> String {
    format!("    .option norvc\n{source}\n{PASS}")
}

fn failure(config: MachineConfig, source: &str) -> (Failure, Bare) {
    let mut bare = Bare::load_on(config, &assemble(source), "");
    match bare.run() {
        Ending::Failed(failure) => (failure, bare),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_instruction_set_lacks_is_illegal() {
    let lacking = ["amoadd.w a0, a0, (sp)", "fadd.d fa0, fa0, fa0", "sh1add a0, a0, a0", "csrr a0, mhartid", "mret"];
    for instruction in lacking {
        let (failure, bare) = failure(without_traps("rv64im"), &format!("    nop\nbad: {instruction}"));
        let pc = Address(bare.address("bad"));
        let Failure::Unhandled { trap: Trap { pc: found, cause: 2, .. }, .. } = failure else {
            panic!("{instruction}: {failure:?}")
        };
        assert_eq!(found, pc, "{instruction}");
        assert_eq!(bare.counts().total, 2, "{instruction}");
    }
    let mut bare = Bare::load_on(without_traps("rv64im"), &assemble("    mul a0, a0, a0\n    fence"), "");
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
}

/// With a handler, what a machine lacks is an ordinary trap.
#[test]
fn with_a_handler_an_illegal_instruction_traps() {
    let csrs = Some(BTreeSet::from([0x300, 0x305, 0x340, 0x341, 0x342, 0x343]));
    let config = MachineConfig { csrs, ..without_traps("rv64im") };
    let source = "    la t0, handler\n    csrw mtvec, t0\n    amoadd.w a0, a0, (sp)\n    .balign 4\nhandler:
    csrr s0, mcause\n    csrr s1, mtval";
    let mut bare = Bare::load_on(config, &assemble(source), "");
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
    assert_eq!((bare.machine.x(8), bare.machine.x(9)), (2, 0x0a_1252f));
}

#[test]
fn without_compressed_instructions_jumps_go_to_multiples_of_four() {
    let (compressed, _) = failure(without_traps("rv64im"), "    .option rvc\n    c.nop\n    c.nop");
    assert_eq!(
        compressed.to_string(),
        "illegal instruction at 0x80000000 (value 0x1), and the machine has no trap handler"
    );
    let (between, _) = failure(without_traps("rv64im"), "    la t0, 1f + 2\n    jr t0\n1:  nop\n    nop");
    let Failure::Unhandled { trap, .. } = between else { panic!("{between:?}") };
    assert_eq!((trap.cause, trap.value % 4), (0, 2));
    let mut bare = Bare::load_on(without_traps("rv64imc"), &format!("    c.nop\n    nop\n{PASS}"), "");
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
}

const MISALIGNED: &str = "    la a0, data\n    lw a1, 0(a0)\n    lb a2, 1(a0)\nbad: lw a1, 1(a0)\n    sh a1, 3(a0)
    ld a1, 4(a0)\n    j 1f\n    .balign 8\ndata: .dword 0, 0\n1:";

#[test]
fn misaligned_accesses_work_are_counted_or_end_the_run() {
    for (misaligned, count) in [(Misaligned::Works, 0), (Misaligned::Counted, 3)] {
        let mut bare =
            Bare::load_on(MachineConfig { misaligned, ..without_traps("rv64im") }, &assemble(MISALIGNED), "");
        assert_eq!(bare.run(), Ending::Exited { status: 0 });
        assert_eq!(bare.counts().misaligned, count);
    }
    let config = MachineConfig { misaligned: Misaligned::Stops, ..without_traps("rv64im") };
    let (failure, bare) = failure(config, MISALIGNED);
    let address = Address(bare.address("data") + 1);
    assert_eq!(failure, Failure::Misaligned { pc: Address(bare.address("bad")), address });
    assert!(failure.to_string().contains(&format!("misaligned access to {address}")), "{failure}");
}

/// Each class has its price, a sequence that counts as one is paid for once, and each side pays for its own.
#[test]
fn cycles_are_counted_by_a_table() {
    let costs = PlatformRegistry::discover(&[]).unwrap().load("ckb-vm").unwrap().costs.unwrap();
    // (instructions, cycles): a pair of 1; 3, 2, 3, 2; 5, 32; 1.
    let program = "program:\n    lui a0, 5\n    addiw a0, a0, 7\n    lw a1, 0(a2)\n    ld a1, 0(a2)\n    sw a1, 0(a2)
    sd a1, 0(a2)\n    mul a3, a0, a0\n    divu a3, a0, a0\n    nop\n    j program_end\nprogram_end:";
    // Before it an address, which is no pair so high up, and a branch to the second half of a pair.
    let source = format!(
        "    la a2, data\n    beqz zero, 1f\n    lui a5, 5\n1:  addiw a5, a5, 7\n    j program
    .balign 8\ndata: .dword 0\n{program}\n"
    );
    let mut bare =
        Bare::load_on(MachineConfig { costs: Some(costs), ..without_traps("rv64im") }, &assemble(&source), "");
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
    let end = 1 + 1 + 3; // behind it `lui`, a pair, `sw`
    let counts = bare.counts();
    let cycles = counts.cycles.unwrap();
    assert_eq!((counts.program, cycles.program), (10, 1 + 3 + 2 + 3 + 2 + 5 + 32 + 1 + 3));
    assert_eq!((counts.boot, cycles.boot), (5, 2 + 3 + 1 + 3));
    assert_eq!((cycles.kernel, cycles.total), (cycles.boot + end, cycles.program + cycles.kernel));
    // Without a table there are none.
    let mut bare = Bare::load_on(without_traps("rv64im"), &assemble(&source), "");
    assert_eq!((bare.run(), bare.counts().cycles), (Ending::Exited { status: 0 }, None));
}

/// The first page runs and is not written, the second is the other way round.
#[test]
fn memory_is_written_and_executed_only_where_it_may_be() {
    let protections = vec![
        Protection { range: range(0x8000_0000, 0x1000), writes: false, executes: true },
        Protection { range: range(0x8000_1000, 0x1000), writes: true, executes: false },
    ];
    let config = || MachineConfig { protections: protections.clone(), ..without_traps("rv64ima") };
    for (source, expected) in [
        ("sw zero, 0(a0)", "store access fault at 0x80000004 (value 0x80000004), memory that cannot be written"),
        (
            "amoadd.w zero, zero, (a0)",
            "store access fault at 0x80000004 (value 0x80000004), memory that cannot be written",
        ),
        ("sw zero, 0(zero)", "store access fault at 0x80000004 (value 0x0)"),
    ] {
        let (failure, _) = failure(
            config(),
            &format!("    auipc a0, 0\n    {source}").replace("(a0)", "(s0)").replace("auipc a0, 0", "auipc s0, 0"),
        );
        assert!(
            failure.to_string().starts_with(&expected.replace("(value 0x80000004)", "(value 0x80000000)")),
            "{failure}"
        );
    }
    let source =
        "    lui a0, 0x80001\n    slli a0, a0, 32\n    srli a0, a0, 32\n    sd a0, 8(a0)\n    ld a1, 8(a0)\n    jr a0";
    let (failure, bare) = failure(config(), source);
    assert_eq!(bare.machine.x(11), 0x8000_1000, "it is written and read");
    let expected = "instruction access fault at 0x80001000 (value 0x80001000), memory that is not executable";
    assert!(failure.to_string().starts_with(expected), "{failure}");
    let (failure, _) = super::limits::failure(config(), "    lw a0, 0(zero)");
    assert!(failure.to_string().starts_with("load access fault at 0x80000000 (value 0x0), and"), "{failure}");
}

/// The first half of the last instruction lies where code runs, the second does not.
#[test]
fn an_instruction_lies_wholly_where_code_runs() {
    let protections = vec![Protection { range: range(0x8000_0802, 0x800), writes: true, executes: false }];
    let config = MachineConfig { protections, ..without_traps("rv64imc") };
    let source = "    .option norvc\n    j 1f\n    .org 0x800\n1:  nop\n    nop\n";
    let mut bare = Bare::load_on(config, source, "");
    let Ending::Failed(Failure::Unhandled { trap, protected: true }) = bare.run() else { panic!() };
    assert_eq!(trap, Trap { pc: Address(0x8000_0800), cause: 1, value: 0x8000_0802 });
}
