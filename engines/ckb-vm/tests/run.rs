//! Bare programs on the real CKB-VM: each line of the interface that the engines' README promises to platforms.

#![allow(clippy::expect_used, reason = "a test has no other way to fail")]

use zeroos_engine_testing::{Bench, Layout};

const LAYOUT: Layout = Layout { text: 0x10000, text_readable: true, rodata: 0x20000, data: 0x30000 };

fn bench() -> Bench {
    Bench::new(env!("CARGO_BIN_EXE_zeroos-engine-ckb-vm"), LAYOUT)
}

#[test]
fn the_version_is_the_one_that_is_pinned() {
    let bench = bench();
    let outcome = bench.engine(&["--version"], &[]);
    let version = String::from_utf8(outcome.stdout).expect("text");
    let pinned =
        version.trim().rsplit(' ').next().map(|version| format!("ckb-vm = \"={version}\"")).expect("a version");
    assert!(include_str!("../Cargo.toml").contains(&pinned), "{pinned}");
}

#[test]
fn exit_codes() {
    for code in [0, 1, 42, 122, 255] {
        let outcome = bench().run(&format!("_start: li a0, {code}\n li a7, 93\n ecall"));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(code), ""));
    }
}

#[test]
fn console_streams_and_the_chains_debug_print() {
    let outcome = bench().run(
        r#"
        _start:
            li a0, 1;  la a1, text;  li a2, 5;  li a7, 23040;  ecall
            bnez a0, wrong
            li a0, 2;  la a1, text;  li a2, 3;  ecall
            la a0, debug;  li a7, 2177;  ecall
        wrong:
            li a7, 93;  ecall
        .section .rodata, "a", @progbits
        text: .byte 'h', 'i', 0, 0xff, '\n'
        debug: .asciz "debug"
        "#,
    );
    assert_eq!(outcome.status, Some(0));
    assert_eq!(outcome.stdout, b"hi\0\xff\n");
    assert_eq!(outcome.stderr.as_bytes(), "hi\0debug\n".as_bytes());
}

/// Reads the whole input in pieces of 3 bytes and makes it public, each piece by a call of its own.
const COPY: &str = "
    _start:
        li s0, 0
        li a7, 23041;  ecall;  mv s1, a0
    next:
        la a0, buffer;  mv a1, s0;  li a2, 3;  li a7, 23042;  ecall
        beqz a0, done
        add s0, s0, a0
        mv a1, a0;  la a0, buffer;  li a7, 23043;  ecall
        j next
    done:
        sub a0, s0, s1
        li a7, 93;  ecall
    .bss
    buffer: .skip 8
";

#[test]
fn input_becomes_public_output() {
    for input in [&b""[..], b"x", b"private input"] {
        let bench = bench();
        let (outcome, public) = bench.run_with(COPY, input);
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
        assert_eq!(public, input);
        let stats = String::from_utf8(bench.read("stats")).expect("JSON");
        for part in
            ["\"ckb-vm", "\"0.24.15\"", "\"exit_code\": 0", &format!("\"public_output_bytes\": {}", input.len())]
        {
            assert!(stats.contains(part.trim_start_matches('"')), "{part} in {stats}");
        }
    }
}

#[test]
fn start_is_as_documented() {
    let outcome = bench().run(
        "
        _start:
            li t0, 0x3ffff0;  bne sp, t0, wrong
            lw t1, 0(sp);     bnez t1, wrong
            or t2, gp, tp;    or t2, t2, ra;  or t2, t2, a0;  bnez t2, wrong
            # Address 0 is memory, a misaligned access works, and so does the last word.
            li t3, 0x12345678;  sw t3, 1(zero);  lw t4, 1(zero);  bne t3, t4, wrong
            li t5, 0x400000;    sd t3, -8(t5)
            # What does nothing.
            fence;  ebreak
            # Text can be read.
            la t0, _start;  lw t0, 0(t0);  beqz t0, wrong
            li a0, 0;  j exit
        wrong:
            li a0, 1
        exit:
            li a7, 93;  ecall
        ",
    );
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn read_only_data_is_not_protected_and_code_is() {
    let ending = "\n li a0, 7;  li a7, 93;  ecall\n .section .rodata\n constant: .dword 5";
    assert_eq!(bench().run(&format!("_start: la t0, constant;  sd t0, 0(t0){ending}")).status, Some(7));
    let outcome = bench().run(&format!("_start: la t0, _start;  sd t0, 0(t0){ending}"));
    assert_eq!(outcome.status, Some(123));
    assert!(outcome.stderr.contains("executable page"), "{}", outcome.stderr);
}

#[test]
fn faults_stop_the_program_with_a_reason() {
    for (source, reason) in [
        ("_start: .word 0", "invalid instruction"),
        ("_start: csrr a0, mscratch", "invalid instruction"),
        ("_start: fadd.d fa0, fa0, fa0", "invalid instruction"),
        ("_start: li t0, 0x400000;  lb a0, 0(t0)|", "beyond the 4 MiB"),
        ("_start: li a7, 64;  ecall|", "host call 64"),
        ("_start: li a0, 3;  li a7, 23040;  ecall", "stream 3"),
        ("_start: li a0, 0x3ffff8;  li a1, 16;  li a7, 23043;  ecall", "beyond the 4 MiB"),
        ("_start: li t0, 0x30000;  jr t0\n .data\n .word 0x13", "executable"),
    ] {
        // A block of instructions is decoded as a whole: behind the jump, what follows is not part of it.
        let source = source.replacen("_start:", "_start: .option arch, +d, +zicsr\n", 1).replacen('|', "\n j .\n", 1);
        let outcome = bench().run(&source);
        assert_eq!(outcome.status, Some(123), "{source}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(reason), "{source}: {}", outcome.stderr);
    }
}

#[test]
fn the_public_output_of_a_stopped_run_is_not_left_behind() {
    let bench = bench();
    bench.file("public", b"from an earlier run");
    let (outcome, public) = bench.run_with("_start: .word 0", b"");
    assert_eq!((outcome.status, public), (Some(123), Vec::new()));
    assert!(!bench.path("public").exists());
}

#[test]
fn the_cycle_limit_ends_the_run() {
    let bench = bench();
    let image = bench.assemble("_start: j _start");
    let outcome = bench.engine(&["run", "--max-cycles", "1000"], &[("", &image), ("--stats", &bench.path("stats"))]);
    assert_eq!(outcome.status, Some(124));
    assert!(outcome.stderr.contains("after 1000 cycles"), "{}", outcome.stderr);
    assert!(String::from_utf8(bench.read("stats")).expect("JSON").contains("\"ending\": \"cycle-limit\""));
}

#[test]
fn what_cannot_be_loaded_is_refused_with_help() {
    let bench = bench();
    let not_elf =
        bench.file("text", b"not an ELF file, but long enough to be looked at as one, which takes more bytes");
    let shared_page = bench.assemble_at(
        "_start: ecall\n .section .rodata\n .word 1\n .data\n .word 1",
        Layout { rodata: 0x30000, data: 0x30010, ..LAYOUT },
    );
    let cases = [
        (not_elf, "zeroos build --platform ckb-vm"),
        (bench.path("missing"), "cannot read the image"),
        (shared_page, "pages of its own"),
    ];
    for (image, help) in cases {
        let outcome = bench.engine(&["run"], &[("", &image)]);
        assert_eq!(outcome.status, Some(125), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(help), "{}", outcome.stderr);
    }
}
