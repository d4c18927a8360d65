//! Bare programs on SP1's executor: each line of the interface that the engines' README promises to platforms.

#![allow(clippy::expect_used, reason = "a test has no other way to fail")]

mod guests;

use guests::{LAYOUT, bench, copy, copy_input, silent};
use zeroos_engine_testing::Layout;

/// Runs a program that ends with 0 if everything is as it expects, and returns what it wrote to both streams.
fn passes(body: &str) -> (Vec<u8>, String) {
    let outcome = bench().run(&silent(body));
    assert_eq!(outcome.status, Some(0), "{body}: {}", outcome.stderr);
    (outcome.stdout, outcome.stderr)
}

/// Runs a program that has to be stopped, for this reason.
fn stops(body: &str, reason: &str) {
    let outcome = bench().run(&silent(body));
    assert_eq!(outcome.status, Some(123), "{body}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(reason), "{body}: {}", outcome.stderr);
}

/// Assembles a program that has to be refused, for this reason.
fn refused(source: &str, layout: Layout, reason: &str) {
    let bench = bench();
    let image = bench.assemble_at(source, layout);
    let outcome = bench.engine(&["run"], &[("", &image)]);
    assert_eq!(outcome.status, Some(125), "{source}: {}", outcome.stderr);
    assert!(outcome.stderr.contains(reason), "{source}: {}", outcome.stderr);
}

#[test]
fn the_version_is_the_one_that_is_pinned() {
    let outcome = bench().engine(&["--version"], &[]);
    let version = String::from_utf8(outcome.stdout).expect("text");
    let version = version.trim().rsplit(' ').next().expect("a version").to_string();
    let manifest = include_str!("../Cargo.toml");
    let pinned = manifest.lines().filter(|line| line.starts_with("sp1-") || line.starts_with("slop-"));
    for line in pinned {
        assert!(line.contains(&format!("\"={version}\"")), "{line}");
    }
}

#[test]
fn exit_codes() {
    for (code, status) in [(0, 0), (1, 1), (42, 42), (255, 255), (256, 1)] {
        let end = if code == 0 { "j succeed" } else { "j exit" };
        let outcome = bench().run(&silent(&format!("_start: li a0, {code}\n {end}")));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(status), ""), "{code}");
    }
}

#[test]
fn success_needs_the_digest_of_the_public_output() {
    stops("_start: li a0, 0\n j exit", "is not the SHA-256 of its public output (0 bytes)");
    // Right but for the deferred words.
    stops(
        "_start: la s0, digest;  li s1, 8;  li a0, 0
        1: lwu a1, 0(s0);  li t0, COMMIT;  ecall;  addi s0, s0, 4;  addi a0, a0, 1;  bne a0, s1, 1b
           li a0, 0;  j exit",
        "without COMMIT_DEFERRED",
    );
    let mut input = copy_input(b"public");
    input[0] ^= 1;
    let (outcome, public) = bench().run_with(&copy(), &input);
    assert_eq!((outcome.status, public), (Some(123), Vec::new()));
    assert!(outcome.stderr.contains("is not the SHA-256 of its public output (6 bytes)"), "{}", outcome.stderr);
}

#[test]
fn console_text_is_exact() {
    let (stdout, stderr) = passes(
        "_start:
            li a0, 1;  la a1, text;      li a2, 9;  li t0, WRITE;  ecall
            la a1, text + 1;  li a2, 1;  li t0, WRITE;  ecall
            li a0, 2;  la a1, text;      li a2, 2;  li t0, WRITE;  ecall
            # Nothing, and a stream that nobody has.
            li a2, 0;  li t0, WRITE;  ecall
            li a0, 9;  li a2, 2;  li t0, WRITE;  ecall
        .section .rodata
        text: .byte 'h', 'i', '\\r', '\\n', '\\n', 0, 0xff, 'x', '\\n'
        .text",
    );
    assert_eq!(stdout, b"hi\r\n\n\0\xffx\ni");
    assert_eq!(stderr, "hi");
}

#[test]
fn input_becomes_public_output() {
    for public in [&b""[..], b"x", b"8 bytes.", b"public output", &[0xa5; 4096]] {
        let bench = bench();
        let (outcome, output) = bench.run_with(&copy(), &copy_input(public));
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
        assert_eq!(output, public);
        let stats = String::from_utf8(bench.read("stats")).expect("JSON");
        for part in ["6.10.0", "\"exit_code\": 0", &format!("\"public_output_bytes\": {}", public.len())] {
            assert!(stats.contains(part), "{part} in {stats}");
        }
    }
}

#[test]
fn input_is_one_buffer() {
    // Empty without --input: one word is written all the same. Then there is none.
    passes(
        "_start:
            li t0, HINT_LEN;  ecall;  bnez t0, wrong
            li a0, 0x100000;  li a1, 0;  li t0, HINT_READ;  ecall
            li t0, HINT_LEN;  ecall;  li t1, -1;  bne t0, t1, wrong",
    );
    stops("_start: li a0, 0x100000;  li a1, 1;  li t0, HINT_READ;  ecall", "has to be the 0 bytes");
    stops("_start: li a0, 0x100004;  li a1, 0;  li t0, HINT_READ;  ecall", "to a multiple of 8");
    stops(
        "_start: la a0, here\n li a1, 0;  li t0, HINT_READ;  ecall\n .bss\n here: .skip 8\n .text",
        "was in use before",
    );
    stops("_start: li a0, 0x100000;  lb t1, 7(a0);  li a1, 0;  li t0, HINT_READ;  ecall", "0x100000 was in use before");
}

#[test]
fn start_and_memory_are_as_documented() {
    passes(
        "_start:
            or t1, sp, gp;  or t1, t1, tp;  or t1, t1, ra;  or t1, t1, a0;  bnez t1, wrong
            la t0, datum;   ld t1, 0(t0);  li t2, 0x1122334455667788;  bne t1, t2, wrong
            la t0, zeros;   ld t1, 0(t0);  bnez t1, wrong
            li t0, 0x10000;       ld t1, 0(t0);  bnez t1, wrong;  sd t2, 0(t0)
            li t0, 0xfffffffff8;  ld t1, 0(t0);  bnez t1, wrong;  sd t2, 0(t0)
            # No write protection.
            la t0, _start;  sd zero, 0(t0);  ld t1, 0(t0);  bnez t1, wrong
            # A host call keeps every register but t0, where its number stays.
            li a0, 9;  li a1, 1;  li a2, 2;  li ra, 3;  li t0, WRITE;  ecall
            li t1, 9;  bne a0, t1, wrong;  li t1, 3;  bne ra, t1, wrong;  li t1, WRITE;  bne t0, t1, wrong
        .data
        .balign 8
        datum: .dword 0x1122334455667788
        .bss
        .balign 8
        zeros: .skip 64
        .text",
    );
}

#[test]
fn faults_stop_the_program_with_a_reason() {
    let misaligned = "_start: li t0, 0x100001;  lw a0, 0(t0)";
    for (body, reason) in [
        ("_start: ebreak", "at pc 0x78000000"),
        ("_start: unimp", "at pc 0x78000000"),
        ("_start: nop;  fence", "at pc 0x78000004"),
        ("_start: csrr a0, mscratch", "does not execute"),
        // mret, wfi
        ("_start: .word 0x30200073", "does not execute"),
        ("_start: .word 0x10500073", "does not execute"),
        (misaligned, "a misaligned load of 4 bytes at 0x100001"),
        ("_start: lb a0, 0(zero)", "a load at 0x0: SP1 proves none below 0x10000, at pc 0x78000000"),
        ("_start: li t0, 0xfff8;  sd a0, 0(t0)", "a store at 0xfff8"),
        ("_start: li t0, 0x10000000000;  lb a0, 0(t0)", "beyond its last address 0xffffffffff"),
        ("_start: li t0, 93;  ecall", "host call 0x5d"),
        ("_start: li t0, 0x78200000;  jr t0", "where there is no instruction"),
        ("_start: jr zero", "where there is no instruction"),
    ] {
        stops(&format!(".option arch, +zicsr\n{body}"), reason);
    }
}

#[test]
fn what_is_not_rv64im_is_refused_wherever_it_stands() {
    for (instruction, word) in [
        (".word 0", "0x0"),
        (".option arch, +a\n lr.d a0, (a1)", "0x1005b52f"),
        (".option rvc\n c.li a0, 1\n c.nop\n .option norvc", "0x14505"),
        // fence.i, fadd.d, sh1add, czero.eqz
        (".word 0x0000100f", "0x100f"),
        (".word 0x02b57553", "0x2b57553"),
        (".word 0x20c5a533", "0x20c5a533"),
        (".word 0x0ec5d533", "0xec5d533"),
        // What SP1 itself takes for shifts: clz, sext.b, bseti, slli.uw, a shift of a word by 32
        (".word 0x60051513", "0x60051513"),
        (".word 0x60451513", "0x60451513"),
        (".word 0x28151513", "0x28151513"),
        (".word 0x0815151b", "0x815151b"),
        (".word 0x0205151b", "0x205151b"),
    ] {
        let source = silent(&format!("_start: j over\n {instruction}\n over:"));
        refused(&source, LAYOUT, &format!("Cannot decode instruction: {word}"));
        refused(&source, LAYOUT, "SP1 is RV64IM");
    }
}

#[test]
fn elf_rules() {
    let source = silent("_start:");
    refused(&source, Layout { text: 0x7000_0000, ..LAYOUT }, "at or above 0x78000000");
    refused(&source, Layout { rodata: 0x7700_0000, ..LAYOUT }, "at or above 0x78000000");
    refused(&source, Layout { text_readable: false, ..LAYOUT }, "not readable");
    let bench = bench();
    let not_elf = bench.file("text", b"not an ELF file");
    let outcome = bench.engine(&["run"], &[("", &not_elf)]);
    assert_eq!(outcome.status, Some(125));
    assert!(outcome.stderr.contains("zeroos build --platform sp1"), "{}", outcome.stderr);
}

#[test]
fn the_cycle_limit_is_exact() {
    for (limit, status) in [(1000, 124), (3, 124), (4, 7)] {
        let bench = bench();
        let end = if limit == 1000 { "j _start" } else { "li a0, 7;  j exit" };
        let image = bench.assemble(&silent(&format!("_start: {end}")));
        let limit = limit.to_string();
        let outcome =
            bench.engine(&["run", "--max-cycles", &limit], &[("", &image), ("--stats", &bench.path("stats"))]);
        assert_eq!(outcome.status, Some(status), "{}", outcome.stderr);
        let stats = String::from_utf8(bench.read("stats")).expect("JSON");
        assert!(stats.contains(&format!("\"cycles\": {limit}")), "{stats}");
    }
}

/// Every computation on numbers at the edges; scout and executor compare their registers at the end, and a result that differs
/// anywhere changes the sum.
#[test]
fn every_computation_agrees_with_the_executor() {
    const REGISTER: &str = "add sub xor or and sll srl sra slt sltu addw subw sllw srlw sraw mul mulh mulhu mulhsu mulw \
                            div divu rem remu divw divuw remw remuw";
    const IMMEDIATE: &str = "addi xori ori andi slti sltiu addiw";
    const SHIFT: &str = "slli srli srai slliw srliw sraiw";
    let mut body = String::from(
        "_start: la s0, numbers;  la s1, numbers_end;  mv s2, s0\n outer: ld s4, 0(s2);  mv s3, s0\n inner: ld s5, 0(s3)\n",
    );
    let mut add = |instruction: String| {
        body += &format!("{instruction}\n slli s7, s6, 7;  srli s8, s6, 57;  or s6, s7, s8;  xor s6, s6, s9\n");
    };
    for name in REGISTER.split_whitespace() {
        add(format!("{name} s9, s4, s5"));
    }
    for (names, values) in [(IMMEDIATE, [-2048, -1, 5]), (SHIFT, [0, 1, 31])] {
        for (name, value) in names.split(' ').flat_map(|name| values.map(|value| (name, value))) {
            add(format!("{name} s9, s4, {value}"));
        }
    }
    for branch in ["beq", "bne", "blt", "bge", "bltu", "bgeu"] {
        add(format!("li s9, 1;  {branch} s4, s5, 1f;  li s9, 2\n 1:"));
    }
    for (load, offset) in [("lb", 3), ("lbu", 7), ("lh", 2), ("lhu", 6), ("lw", 4), ("lwu", 4), ("ld", 0)] {
        add(format!("{load} s9, {offset}(s3)"));
    }
    for (store, offset) in [("sb", 5), ("sh", 2), ("sw", 4), ("sd", 0)] {
        add(format!("la s9, cell;  {store} s4, {offset}(s9);  ld s9, 0(s9)"));
    }
    body += "addi s3, s3, 8;  bne s3, s1, inner\n addi s2, s2, 8;  beq s2, s1, 1f;  la t1, outer;  jr t1\n 1:
        .section .rodata
        .balign 8
        numbers: .dword 0, 1, -1, 2, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000
                 .dword 0x0123456789abcdef, 0xfedcba9876543210, 0xffffffff80000000, 0x100000000
        numbers_end:
        .bss
        .balign 8
        cell: .skip 8
        .text";
    passes(&body);
}
