//! Each host by a program that uses all it offers, and by programs that use it wrongly.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use zeroos::address::Address;
use zeroos::machine::{CapturedConsole, Ending, Failure, HostFailure, Machine, MachineConfig, Protection};
use zeroos::platform::{HostInterface, InstructionSet, Misaligned};

use crate::bare::Bare;
use crate::toolchain::range;

/// Where memory for code starts.
fn origin(host: HostInterface) -> u64 {
    if host == HostInterface::Zisk { 0x9000_0000 } else { 0x8000_0000 }
}

fn config(host: HostInterface) -> MachineConfig {
    let csrs = (host != HostInterface::Jolt).then(BTreeSet::new);
    MachineConfig {
        ram: vec![range(origin(host), 0x40000)],
        csrs,
        host: Some(host),
        max_instructions: Some(10_000),
        ..MachineConfig::default()
    }
}

/// Runs `source` with `input`.
fn run(host: HostInterface, source: &str, input: &str) -> (Ending, Bare) {
    let mut bare = Bare::load_at(origin(host), config(host), source, input);
    (bare.run(), bare)
}

/// Why the host refused `source`.
fn refused(host: HostInterface, source: &str, input: &str) -> HostFailure {
    match run(host, source, input) {
        (Ending::Failed(Failure::Host { failure, .. }), _) => failure,
        (other, _) => panic!("{source}: {other:?}"),
    }
}

/// Data behind the code of the programs below.
const DATA: &str = "
    .data
text: .ascii \"hello\"
    .balign 8
buffer: .space 64
";

#[test]
fn the_standard_device_moves_whole_buffers() {
    let source = format!(
        "    li s0, 0x10000000
    la s1, text
    sd s1, 0(s0)
    li s2, 5
    sd s2, 8(s0)
    li s3, 1
    sd s3, 16(s0)
    li s3, 2
    sd s3, 16(s0)
    la s1, buffer
    sd s1, 0(s0)
    li s2, 64
    sd s2, 8(s0)
    li s3, 4
    sd s3, 16(s0)
    ld s4, 8(s0)
    li s3, 3
    sd s3, 16(s0)
    sd s3, 16(s0)
    li s3, 4
    sd s3, 16(s0)
    ld s5, 8(s0)
    li a0, 7
    sd a0, 24(s0)
{DATA}"
    );
    let (ending, bare) = run(HostInterface::ZkvmStandard, &source, "the input");
    assert_eq!(ending, Ending::Exited { status: 7 });
    assert_eq!((bare.machine.x(20), bare.machine.x(21)), (9, 0), "all of it, then its end");
    assert_eq!(bare.console.output, b"hello");
    assert_eq!(bare.console.error, b"hello");
    assert_eq!(bare.console.public, b"the inputthe input");
    let outside = "    li s0, 0x10000000\n    li s2, 5\n    sd s2, 8(s0)\n    li s3, 4\n    sd s3, 16(s0)\n";
    assert!(matches!(refused(HostInterface::ZkvmStandard, outside, ""), HostFailure::Outside { length: 5, .. }));
    let unknown = "    li s0, 0x10000000\n    li s3, 9\n    sd s3, 16(s0)\n";
    assert_eq!(refused(HostInterface::ZkvmStandard, unknown, ""), HostFailure::UnknownCall(9));
    let (ending, _) = run(HostInterface::ZkvmStandard, "    li a7, 93\n    ecall\n", "");
    assert!(matches!(ending, Ending::Failed(Failure::Unhandled { .. })), "{ending:?}");
    let (ending, _) = run(HostInterface::ZkvmStandard, "    li s0, 0x10000000\n    sw s3, 16(s0)\n", "");
    assert!(matches!(ending, Ending::Failed(Failure::Unhandled { .. })), "the words are 8 bytes: {ending:?}");
}

/// The end of a run on SP1 with the digest of `output`; `change` is added to the fourth word.
fn sp1_end(output: &[u8], change: u32) -> String {
    let digest = Sha256::digest(output);
    let words = digest.chunks(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
    let commits = words.enumerate().map(|(index, word)| {
        let word = if index == 3 { word.wrapping_add(change) } else { word };
        format!("    li t0, 0x10\n    li a0, {index}\n    li a1, {word}\n    ecall\n")
    });
    let deferred = (0..8).map(|index| format!("    li t0, 0x1a\n    li a0, {index}\n    li a1, 0\n    ecall\n"));
    commits.chain(deferred).chain(["    li t0, 0\n    li a0, 0\n    ecall\n".to_owned()]).collect()
}

/// Input of 9 bytes to `input`, in two words; then the text to console and public output.
const SP1: &str = "
    li t0, 0xf0
    ecall
    mv s2, t0
    la a0, input
    mv a1, s2
    li t0, 0xf1
    ecall
    li t0, 0xf0
    ecall
    mv s3, t0
    li t0, 2
    li a0, 1
    la a1, text
    li a2, 5
    ecall
    mv s4, t0
    li t0, 2
    li a0, 13
    la a1, input
    mv a2, s2
    ecall
    .bss
    .balign 8
input: .space 64
    .text
";

#[test]
fn sp1_gives_input_once_and_wants_the_digest() {
    let (ending, bare) = run(HostInterface::Sp1, &format!("{SP1}{}{DATA}", sp1_end(b"the input", 0)), "the input");
    assert_eq!(ending, Ending::Exited { status: 0 });
    assert_eq!((bare.machine.x(18), bare.machine.x(19), bare.machine.x(20)), (9, u64::MAX, 2));
    assert_eq!((&*bare.console.output, &*bare.console.public), (&b"hello"[..], &b"the input"[..]));
    assert_eq!(bare.word("input", 1), u64::from(b't'), "the input's last byte, and zeros behind it");
    let wrong = format!("{SP1}{}{DATA}", sp1_end(b"the input", 1));
    assert_eq!(refused(HostInterface::Sp1, &wrong, "the input"), HostFailure::DigestWrong(3));
    let other = format!("{SP1}{}{DATA}", sp1_end(b"another", 0));
    assert_eq!(refused(HostInterface::Sp1, &other, "the input"), HostFailure::DigestWrong(0));
}

#[test]
fn sp1_refuses_what_the_prover_would() {
    let refused = |source: &str| refused(HostInterface::Sp1, &format!("{source}{DATA}"), "input");
    let call = |number: u64, a0: &str, a1: u64| {
        format!("    li t0, {number}\n    la s0, buffer\n    {a0}\n    li a1, {a1}\n    ecall\n")
    };
    assert_eq!(refused("    li t0, 0\n    li a0, 0\n    ecall\n"), HostFailure::DigestMissing(0));
    let digest = sp1_end(b"", 0);
    let no_deferred: String =
        digest.split("    li t0, 0x1a").next().unwrap().to_owned() + "    li t0, 0\n    li a0, 0\n    ecall\n";
    assert_eq!(refused(&no_deferred), HostFailure::DeferredDigest(0));
    assert_eq!(refused(&call(0x10, "li a0, 8", 0)), HostFailure::DigestIndex(8));
    assert_eq!(refused(&call(0x77, "li a0, 8", 0)), HostFailure::UnknownCall(0x77));
    assert_eq!(refused(&call(2, "li a0, 5", 0)), HostFailure::UnknownDescriptor(5));
    assert_eq!(refused(&call(0xf1, "mv a0, s0", 4)), HostFailure::InputLength { asked: 4, there: 5 });
    assert!(matches!(refused(&call(0xf1, "addi a0, s0, 4", 5)), HostFailure::InputMisaligned(_)));
    assert!(
        matches!(refused(&call(0xf1, "addi a0, s0, -8", 5)), HostFailure::InputOverwrites(_)),
        "the text lies there"
    );
    let twice = call(0xf1, "mv a0, s0", 5);
    assert_eq!(refused(&format!("{twice}{twice}")), HostFailure::InputConsumed);
    let (ending, _) = run(HostInterface::Sp1, "    li t0, 0\n    li a0, 7\n    ecall\n", "");
    assert_eq!(ending, Ending::Exited { status: 7 }, "a failure proves nothing: it needs no digest");
    let (ending, _) =
        run(HostInterface::Sp1, "    .option norvc\nprogram:\n    li a7, 64\n    ecall\nprogram_end:\n", "");
    assert!(matches!(ending, Ending::Failed(Failure::ProgramCall { number: 64, .. })), "{ending:?}");
}

#[test]
fn zisk_shows_input_and_keeps_output_in_memory() {
    let source = "
    li s0, 0x10000008
    ld s1, 0(s0)
    lbu s2, 8(s0)
    ld s3, 8(s0)
    lbu s4, 13(s0)
    ld s5, -8(s0)
    li s6, 0xa0410000
    sd s3, 0(s6)
    sb s2, 8(s6)
    li t0, 9
    sd t0, 256(s6)
    lbu s7, 8(s6)
    li s8, 0xa0400200
    sb s2, 0(s8)
    sw s2, 0(s8)
    li ra, 5
    li a7, 64
    ecall
behind:
    mv s9, ra
    li a7, 93
    li a0, 256
    ecall
";
    let (ending, bare) = run(HostInterface::Zisk, source, "input");
    assert_eq!(ending, Ending::Exited { status: 256 });
    let x = |register| bare.machine.x(register);
    assert_eq!((x(9), x(18), x(20), x(21), x(23)), (5, u64::from(b'i'), 0, 0, u64::from(b'i')));
    assert_eq!(bare.console.output, b"i", "one byte a store, and only by stores of one byte");
    assert_eq!(bare.console.public, b"input\0\0\0i");
    assert_eq!(x(25), bare.address("behind"), "a call that ZisK does not know changes ra");
    let large = "    li s6, 0xa0410000\n    li t0, 257\n    sd t0, 256(s6)\n    li a7, 93\n    ecall\n";
    assert!(matches!(refused(HostInterface::Zisk, large, ""), HostFailure::OutputTooLarge(_)));
    let (ending, _) = run(HostInterface::Zisk, "    li s0, 0x10000008\n    sd zero, 0(s0)\n", "");
    assert!(matches!(ending, Ending::Failed(Failure::Unhandled { .. })), "input is read-only: {ending:?}");
}

#[test]
fn ckb_vm_takes_calls_by_number() {
    let source = format!(
        "    li a7, 23041
    ecall
    mv s2, a0
    li a7, 23042
    la a0, buffer
    li a1, 2
    li a2, 64
    ecall
    mv s3, a0
    li a7, 23042
    la a0, buffer
    li a1, 99
    li a2, 64
    ecall
    mv s4, a0
    li a7, 23040
    li a0, 1
    la a1, text
    li a2, 5
    ecall
    li a7, 2177
    la a0, buffer
    ebreak
    ecall
    li a7, 23043
    la a0, text
    li a1, 4
    ecall
    li a7, 93
    li a0, 0x103
    ecall
{DATA}"
    );
    let (ending, bare) = run(HostInterface::CkbVm, &source, "an input");
    assert_eq!(ending, Ending::Exited { status: 3 }, "8 bits of the status count");
    assert_eq!((bare.machine.x(18), bare.machine.x(19), bare.machine.x(20)), (8, 6, 0));
    let console = &bare.console;
    assert_eq!((&*console.output, &*console.error, &*console.public), (&b"hello"[..], &b" input\n"[..], &b"hell"[..]));
    assert_eq!(refused(HostInterface::CkbVm, "    li a7, 64\n    ecall\n", ""), HostFailure::UnknownCall(64));
    let outside = "    li a7, 23042\n    li a0, 0\n    li a1, 0\n    li a2, 8\n    ecall\n";
    assert!(matches!(refused(HostInterface::CkbVm, outside, "input"), HostFailure::Outside { .. }));
}

#[test]
fn jolt_has_bounded_input_and_output_and_a_word_to_end() {
    let source = format!(
        "    li s0, 0x7fffa000
    ld s1, 0(s0)
    ld s2, 8(s0)
    lbu s3, 13(s0)
    li s4, 0x7fffb000
    sd s1, 0(s4)
    sd s2, 8(s4)
    li a0, 0x505249
    la a1, text
    li a2, 5
    li a3, 1
    .insn i 0x5b, 2, x0, x0, 0
    li s5, 0x7fffc000
    li t0, END
    beqz t0, 1f
    sb t0, 0(s5)
    ld s6, 0(s5)
1:  li t0, 1
    sb t0, 8(s5)
    j .
{DATA}"
    );
    let (ending, bare) = run(HostInterface::Jolt, &source.replace("END", "0"), "input");
    assert_eq!(ending, Ending::Exited { status: 0 });
    assert_eq!((bare.machine.x(9), bare.machine.x(19)), (5, 0));
    assert_eq!((&*bare.console.output, &*bare.console.public), (&b"hello"[..], &b"input"[..]));
    let (ending, bare) = run(HostInterface::Jolt, &source.replace("END", "9"), "input");
    assert_eq!((ending, bare.machine.x(22)), (Ending::Exited { status: 9 }, 1));
    let too_large = "x".repeat(4089);
    let read = "    li s0, 0x7fffa000\n    ld s1, 0(s0)\n";
    assert!(matches!(refused(HostInterface::Jolt, read, &too_large), HostFailure::InputTooLarge { .. }));
    let write = "    li s4, 0x7fffb000\n    li t0, 4089\n    sd t0, 0(s4)\n    sb t0, 0x100(s4)\n    li s5, 0x7fffc008\n    sb t0, 0(s5)\n";
    assert!(matches!(refused(HostInterface::Jolt, write, ""), HostFailure::OutputTooLarge(_)));
}

/// Whatever a guest asks of its host, and whatever the machine lacks, there is an ending: debug builds check every overflow
/// and index.
#[test]
fn random_guests_never_panic_a_host() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |limit: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let hosts = [
        HostInterface::ZkvmStandard,
        HostInterface::Sp1,
        HostInterface::Zisk,
        HostInterface::CkbVm,
        HostInterface::Jolt,
    ];
    let sets = ["rv64im", "rv64imac", "rv64gc_zba_zbb_zbs"].map(|text| InstructionSet::parse(text).unwrap());
    let (mut refusals, mut total) = (BTreeSet::new(), 0);
    for round in 0..2000 {
        let host = hosts[round % hosts.len()];
        let base = origin(host);
        let protection = Protection {
            range: range(base + random(0x2000), random(0x1000)),
            writes: random(2) == 0,
            executes: random(8) != 0,
        };
        let misaligned = [Misaligned::Works, Misaligned::Counted, Misaligned::Stops][random(3) as usize];
        let mut machine = Machine::new(&MachineConfig {
            ram: vec![range(base, 0x3001)],
            protections: vec![protection],
            isa: Some(sets[random(3) as usize].clone()),
            csrs: (random(4) != 0).then(BTreeSet::new),
            misaligned,
            entry: Address(base + random(0x400)),
            program: vec![range(base + 0x2000, 0x100)],
            max_instructions: Some(2_000),
            ..config(host)
        })
        .unwrap();
        let code: Vec<u8> = (0..0x400)
            .flat_map(|_| {
                let bits = random(1 << 32) as u32;
                let word = match random(8) {
                    0 => 0x73,                                                                // ecall
                    1 => 0x205b,                                                              // Jolt's instruction
                    2 | 3 => bits & 0x01ff_ff80 | 0x03, // a load with a small offset
                    4 | 5 => bits & 0x01ff_ff80 | 0x23, // a store with a small offset
                    6 => bits & 0x0ff0_0000 | [5, 10, 11, 17][bits as usize % 4] << 7 | 0x13, // a number for a call
                    _ => bits | 3,
                };
                word.to_le_bytes()
            })
            .collect();
        assert!(machine.load(Address(base), &code));
        for register in 1..32 {
            let near =
                [base, base + 0x3000, 0x1000_0000, 0xa040_0200, 0xa041_0000, 0x7fff_a000, 0x7fff_c000, 0, u64::MAX - 8];
            machine.set_x(register, near[random(9) as usize].wrapping_add(random(32)));
        }
        let mut console = CapturedConsole { input: vec![7; random(300) as usize], ..CapturedConsole::default() };
        // An ending is no end: the next instruction is tried, too.
        for _ in 0..100 {
            let numbers = [0, 2, 0x10, 0x1a, 0xf0, 0xf1, 93, 2177, 23040, 23041, 23042, 23043, 0x50_5249];
            for register in [5, 10, 17] {
                machine.set_x(register, numbers[random(13) as usize]);
            }
            let places = [0, 1, 2, 8, 13, console.input.len() as u64, base + 0x2000, u64::MAX];
            for register in [10, 11, 12].into_iter().filter(|_| random(2) == 0).collect::<Vec<_>>() {
                machine.set_x(register, places[random(8) as usize]);
            }
            match machine.run(&mut console, &mut ()) {
                Ending::Failed(Failure::Host { failure, .. }) => {
                    refusals.insert(format!("{failure:?}").split(['(', ' ']).next().unwrap().to_owned());
                }
                Ending::InstructionLimit => break,
                _ => {}
            }
            machine.set_pc(Address(machine.pc().0.wrapping_add(4)));
        }
        total += machine.counts().total;
    }
    let enough = total > 50_000 && refusals.len() >= 8;
    assert!(enough, "the rounds end too early to show anything: {total} instructions, {refusals:?}");
}
