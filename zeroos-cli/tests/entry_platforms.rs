//! Where no trap may be left: `--entry direct`, and platforms whose `ecall` calls the host.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::fs;

use object::{Object, ObjectSection};
use tool::{Workplace, example};
use zeroos::isa::Op;

/// A platform like Spike whose `ecall` is the host's: a kernel for it serves no trap.
fn host_call_platform(workplace: &Workplace) {
    let csrs = r#"csrs = ["mstatus", "mtvec", "mscratch", "mepc", "mcause", "mtval"]"#;
    workplace.platform("hostcall", &[("ecall = \"mtvec\"", &format!("ecall = \"host-call\"\n{csrs}"))]);
}

#[test]
fn programs_run_without_any_csr() {
    let workplace = Workplace::new();
    workplace.platform_without_csrs();
    for (app, status) in [("hello-c", 0), ("threads-c", 0), ("signals-c", 0), ("exceptions-cpp", 3), ("rayon-rust", 0)]
    {
        for binary in ["imac-exec", "imac-pie"] {
            let program = example(&format!("{app}/bin/{binary}"));
            let finished = workplace.zeroos(&["run", "--platform", "plain", "--", &program]).exits(status);
            let expected = fs::read(example(&format!("{app}/expected.stdout"))).unwrap();
            assert!(finished.stdout == expected, "{program}: {}", finished.text());
        }
        let image = workplace.path("plain.elf");
        let program = example(&format!("{app}/bin/imac-pie"));
        workplace.zeroos(&["build", &program, "--platform", "plain", "-o", &image.display().to_string()]).exits(0);
        no_kernel_instruction_uses_a_csr(&fs::read(image).unwrap());
    }
}

/// Two handlers on top of each other: the upper one runs first, and the lower one's action is another by the time it begins.
const STACKED_HANDLERS: &str = r#"
struct action { void (*handler)(int); unsigned long flags, mask; };
static void set(int signal, void (*handler)(int), unsigned long flags) {
    struct action action = {handler, flags, 0};
    call(134, signal, (long)&action, 0, 8);
}
static void other(int signal) { print("never\n"); }
static void lower(int signal) { print("lower\n"); }
static void upper(int signal) { print("upper\n"); set(10, other, 0); }
static int main(long argc, char **argv, char **envp) {
    unsigned long both = 1 << 9 | 1 << 11;
    for (int round = 0; round < 2; round++) {
        set(10, lower, round == 0 ? 0x80000000 : 0); // SA_RESETHAND
        set(12, upper, 0);
        call(135, 0, (long)&both, 0, 8);
        call(129, call(172, 0, 0, 0, 0), 12, 0, 0);
        call(129, call(172, 0, 0, 0, 0), 10, 0, 0);
        call(135, 1, (long)&both, 0, 8);
        print("back\n");
    }
    return 0;
}
"#;

#[test]
fn handlers_on_top_of_each_other_without_any_csr() {
    let workplace = Workplace::new();
    workplace.platform_without_csrs();
    let source = format!("{}{STACKED_HANDLERS}", tool::guests::RUNTIME);
    let app = workplace.guest("stacked.c", &source, &["-march=rv64imac", "-mabi=lp64"]);
    let linux = tool::finish(std::process::Command::new("qemu-riscv64").arg(&app), b"").exits(0);
    assert_eq!(linux.text(), "upper\nlower\nback\n".repeat(2));
    assert_eq!(workplace.zeroos(&["run", "--platform", "plain", &app]).exits(0).stdout, linux.stdout);
}

/// The kernel's code and the stubs, decoded from start to end.
fn no_kernel_instruction_uses_a_csr(image: &[u8]) {
    let file = object::File::parse(image).unwrap();
    let mut instructions = 0;
    for section in file.sections().filter(|section| {
        let name = section.name().unwrap();
        name.starts_with(".stubs") || name == ".kernel.0"
    }) {
        let bytes = section.data().unwrap();
        let mut at = 0;
        while at < bytes.len() {
            // Words between functions, and addresses behind stubs.
            let Some(instruction) = zeroos::isa::decode(&bytes[at..]) else {
                at += 2;
                continue;
            };
            let is_csr = (Op::Csrrw..=Op::Csrrci).contains(&instruction.op);
            assert!(!is_csr && instruction.op != Op::Mret, "{:#x}", section.address() + at as u64);
            at += usize::from(instruction.length);
            instructions += 1;
        }
    }
    assert!(instructions > 500, "{instructions}");
}

/// An `ecall` more than 1 MiB from everything, whose number is set elsewhere.
const FAR: &str = ".text\n.skip 0x280000, 0xff\n.globl _start\n.type _start, @function\n_start: li a7, 93\nli a0, 0\nauipc t0, 0\necall\n\
    .size _start, . - _start\n.skip 0x280000, 0xff\n";

#[test]
fn programs_run_where_no_ecall_may_be_executed() {
    let workplace = Workplace::new();
    host_call_platform(&workplace);
    for (app, output) in [("hello-c", None), ("threads-c", Some("threads-c")), ("signals-c", Some("signals-c"))] {
        for binary in ["gc-exec", "gc-pie"] {
            let program = example(&format!("{app}/bin/{binary}"));
            let finished = workplace.zeroos(&["run", "--platform", "hostcall", "--", &program]).exits(0);
            if let Some(name) = output {
                let expected = fs::read(example(&format!("{name}/expected.stdout"))).unwrap();
                assert!(finished.stdout == expected, "{program}: {}", finished.text());
            }
        }
    }
}

/// Programs stay at their low addresses, and `auipc` reaches 2 GiB: not the kernel.
#[test]
fn a_kernel_can_be_further_away_than_a_jump_reaches() {
    let workplace = Workplace::new();
    workplace.platform("high", &[("start = \"0x80000000\"", "start = \"0x280000000\"")]);
    for name in ["threads-c", "signals-c"] {
        for entry in ["direct", "trap"] {
            let program = example(&format!("{name}/bin/gc-exec"));
            let finished = workplace.zeroos(&["run", "--platform", "high", "--entry", entry, "--", &program]).exits(0);
            let expected = fs::read(example(&format!("{name}/expected.stdout"))).unwrap();
            assert!(finished.stdout == expected, "{program}: {}", finished.text());
        }
    }
}

#[test]
fn a_site_that_keeps_its_trap_is_an_error_that_names_it_and_the_reason() {
    let workplace = Workplace::new();
    host_call_platform(&workplace);
    let far = workplace.guest("far.S", FAR, &[]);
    let parts = ["error[ZOS-E0504]", "the `ecall` at 0x290", "_start", "no room for a stub within 1 MiB", "  help: "];
    workplace.zeroos(&["build", &far, "--entry", "direct"]).exits(1).says(&parts).says(&["--entry direct"]);
    workplace.zeroos(&["build", &far, "--platform", "hostcall"]).exits(1).says(&parts).says(&["platform `hostcall`"]);
    let minimal = example("hello-minimal-c/bin/gc-exec");
    let trap = ["build", &minimal, "--platform", "hostcall", "--entry", "trap"];
    workplace.zeroos(&trap).exits(1).says(&["error[ZOS-E0504]", "platform `hostcall`", "`--entry trap` was asked for"]);
    workplace.zeroos(&["run", "--", &far]).exits(0);
}

/// What is no call ends the run there, too.
#[test]
fn a_fault_is_a_fault_where_no_call_traps() {
    let workplace = Workplace::new();
    host_call_platform(&workplace);
    for fault in ["lw a0, 0(zero)", "unimp"] {
        let app = workplace.guest(
            "fault.S",
            &format!(".globl _start\n_start: li a7, 93\n li a0, 0\n {fault}\n ecall\n"),
            &[],
        );
        let finished = workplace.zeroos(&["run", "--platform", "hostcall", "--", &app]);
        assert!(finished.status >= 123, "{fault}: {}", finished.status);
    }
}
