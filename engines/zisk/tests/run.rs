//! Bare programs on ZisK: each line of the interface that the engines' README promises to platforms.

#![allow(clippy::expect_used, reason = "a test has no other way to fail")]

use zeroos_engine_testing::{Bench, Layout};

const LAYOUT: Layout = Layout { text: 0x9000_0000, text_readable: false, rodata: 0x9010_0000, data: 0xa043_0000 };
const EXIT: &str = "\n li a7, 93;  ecall\n j .\n";

fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_zeroos-engine-zisk"), LAYOUT)
}

/// Runs a program that ends with 0 if everything is as it expects, and returns what it wrote.
fn passes(source: &str) -> Vec<u8> {
    let outcome = bench().run(&format!("{source}\n li a0, 0\n{EXIT}wrong: li a0, 1{EXIT}"));
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{source}");
    outcome.stdout
}

/// Runs a program that the machine has to stop, for this reason.
fn stops(source: &str, reason: &str) {
    let outcome = bench().run(&format!("{source}\n li a0, 0\n{EXIT}"));
    assert_eq!(outcome.status, Some(123), "{source}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(reason), "{source}: {}", outcome.stderr);
}

#[test]
fn the_version_is_the_one_that_is_pinned() {
    let outcome = bench().engine(&["--version"], &[]);
    let version = String::from_utf8(outcome.stdout).expect("text");
    let version = version.trim().rsplit(' ').next().expect("a version").to_string();
    for name in ["zisk-core", "zisk-riscv"] {
        assert!(include_str!("../Cargo.toml").contains(&format!("{name} = \"={version}\"")), "{name} {version}");
    }
}

#[test]
fn exit_codes() {
    // A failure whose low 8 bits are 0 is still a failure.
    for (code, status) in [(0, 0), (1, 1), (42, 42), (255, 255), (256, 1), (257, 1)] {
        let outcome = bench().run(&format!("_start: li a0, {code}{EXIT}"));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(status), ""), "{code}");
    }
}

#[test]
fn returning_from_the_entry_ends_the_program() {
    assert_eq!(bench().run("_start: ret").status, Some(0));
}

#[test]
fn the_console_takes_single_bytes() {
    let written = passes(
        "_start:
            la t0, text;  li t1, 0xa0400200
        next:
            lbu t2, 0(t0);  sb t2, 0(t1);  addi t0, t0, 1
            li t3, '\\n';  bne t2, t3, next
            # A wider store is not output.
            li t2, 'x';  sw t2, 0(t1)
        .section .rodata
        text: .byte 'h', 'i', 0, 0xff, 0xc3, '\\n'
        .text",
    );
    assert_eq!(written, b"hi\0\xff\xc3\n");
}

/// Makes the input public: as many bytes as it has.
const COPY: &str = "
    _start:
        li s0, 0x10000008;  ld s1, 0(s0);  addi s0, s0, 8
        li s2, 0xa0410000;  sd s1, 0x100(s2)
        beqz s1, done
    next:
        lbu t0, 0(s0);  sb t0, 0(s2)
        addi s0, s0, 1;  addi s2, s2, 1;  addi s1, s1, -1
        bnez s1, next
    done:
        li a0, 0
        li a7, 93;  ecall
";

#[test]
fn input_becomes_public_output() {
    for input in [&b""[..], b"x", b"private input", &[0xa5; 255], &[0; 256]] {
        let bench = bench();
        let (outcome, public) = bench.run_with(COPY, input);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
        assert_eq!(public, input);
        let stats = String::from_utf8(bench.read("stats")).expect("JSON");
        for part in ["1.4.0-alpha", "\"exit_code\": 0", &format!("\"public_output_bytes\": {}", input.len())] {
            assert!(stats.contains(part), "{part} in {stats}");
        }
    }
}

#[test]
fn more_public_output_than_zisk_publishes_stops() {
    let (outcome, public) = bench().run_with(COPY, &[1; 257]);
    assert_eq!((outcome.status, public), (Some(123), Vec::new()));
    assert!(outcome.stderr.contains("257 bytes; ZisK publishes 256"), "{}", outcome.stderr);
}

#[test]
fn start_is_as_documented() {
    passes(
        "_start:
            li t0, 0x10000000;  bne a0, t0, wrong
            li t0, 0xa0410000;  bne a1, t0, wrong
            or t1, sp, gp;  or t1, t1, tp;  or t1, t1, s0;  bnez t1, wrong
            beqz ra, wrong",
    );
}

#[test]
fn data_comes_from_the_elf_and_the_rest_of_ram_is_zero() {
    passes(
        "_start:
            la t0, datum;     ld t1, 0(t0);  li t2, 0x1122334455667788;  bne t1, t2, wrong
            la t0, constant;  ld t1, 0(t0);  bne t1, t2, wrong
            la t0, zeros;     ld t1, 0(t0);  bnez t1, wrong
            li t0, 0xbffbfff8;  ld t1, 0(t0);  bnez t1, wrong;  sd t2, 0(t0)
            li t0, 0xa0000000;  ld t1, 0(t0);  bnez t1, wrong;  sd t2, 0(t0)
            # Misaligned, and across a word.
            sd t2, 5(t0);  ld t1, 5(t0);  bne t1, t2, wrong
        .data
        datum: .dword 0x1122334455667788
        .bss
        zeros: .skip 4096
        .section .rodata
        constant: .dword 0x1122334455667788
        .text",
    );
}

#[test]
fn text_can_be_data_only_if_its_segment_is_readable() {
    let source = format!("_start: la t0, _start;  lw t1, 0(t0);  snez a0, t1;  addi a0, a0, 2{EXIT}");
    let bench = bench();
    let image = bench.assemble_at(&source, Layout { text_readable: true, ..LAYOUT });
    let outcome = bench.engine(&["run"], &[("", &image)]);
    assert_eq!(outcome.status, Some(3));
    // The transpiler's warning must not be taken for output of the program.
    assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty(), "{}", outcome.stderr);

    stops("_start: la t0, _start;  lw t1, 0(t0)", "a load of 4 bytes at 0x90000000");
}

#[test]
fn atomics_are_loads_and_stores() {
    passes(
        ".option arch, +a
        _start:
            la t0, cell;  li t1, 5
            # Without a reservation it succeeds, too.
            sc.d t2, t1, (t0);      bnez t2, wrong
            lr.d t3, (t0);          bne t3, t1, wrong
            amoadd.d t4, t1, (t0);  bne t4, t1, wrong
            ld t5, 0(t0);  li t6, 10;  bne t5, t6, wrong
            amomaxu.w t4, t1, (t0);  bne t4, t6, wrong
        .bss
        cell: .skip 8
        .text",
    );
}

#[test]
fn an_ecall_that_is_not_exit_does_nothing_but_overwrite_ra() {
    passes(
        "_start:
            li ra, 0;  li a7, 64;  li a0, 1
            ecall
        here:
            la t0, here;  bne ra, t0, wrong
            li t1, 1;     bne a0, t1, wrong
            li t1, 64;    bne a7, t1, wrong
            fence",
    );
}

#[test]
fn data_among_code_throws_the_decoder_out_of_step() {
    // Two units of 16 bits: in step again behind them.
    passes("_start: j over\n .word 0\n over:");
    // One unit of 16 bits and three of an instruction: what follows begins in its middle.
    stops("_start: j over\n .word 0x00030000\n over:", "at pc 0x90000008");
}

#[test]
fn faults_stop_the_program_with_a_reason() {
    for (source, reason) in [
        ("_start: .word 0", "does not execute, at pc 0x90000000"),
        ("_start: ebreak", "does not execute, at pc 0x90000000"),
        ("_start: unimp", "does not execute, at pc 0x90000000"),
        ("_start: nop\n .option rvc\n c.li a0, 1\n c.nop\n .option norvc", "does not execute, at pc 0x90000004"),
        ("_start: lb a0, 0(zero)", "a load of 1 bytes at 0x0"),
        ("_start: sd a0, 16(zero)", "a store of 8 bytes at 0x10"),
        ("_start: sd a0, 8(a0)", "a store of 8 bytes at 0x10000008"),
        ("_start: li t0, 0xbffffffc;  sd a0, 0(t0)", "a store of 8 bytes at 0xbffffffc"),
        ("_start: jr zero", "at pc 0x0"),
        ("_start: li t0, 0xa0430000;  jr t0", "at pc 0xa0430000"),
    ] {
        stops(source, reason);
    }
}

#[test]
fn the_step_limit_ends_the_run() {
    let bench = bench();
    let image = bench.assemble("_start: j _start");
    let outcome = bench.engine(&["run", "--max-cycles", "1000"], &[("", &image), ("--stats", &bench.path("stats"))]);
    assert_eq!(outcome.status, Some(124));
    let stats = String::from_utf8(bench.read("stats")).expect("JSON");
    assert!(stats.contains("\"ending\": \"cycle-limit\"") && stats.contains("\"cycles\": 1000"), "{stats}");
}

#[test]
fn what_cannot_be_loaded_is_refused_with_help() {
    let bench = bench();
    let not_elf = bench.file("text", b"not an ELF file");
    let outcome = bench.engine(&["run"], &[("", &not_elf)]);
    assert_eq!(outcome.status, Some(125), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("zeroos build --platform zisk"), "{}", outcome.stderr);

    let elsewhere = bench.assemble_at("_start: ecall", Layout { text: 0x10000, ..LAYOUT });
    let outcome = bench.engine(&["run"], &[("", &elsewhere)]);
    assert_eq!(outcome.status, Some(125), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("0x10000"), "{}", outcome.stderr);
}
