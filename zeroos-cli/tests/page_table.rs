//! Programs at addresses of their own, where QEMU's board has devices, run behind a page table: the same image prints the same on QEMU
//! and on the built-in machine, by stubs and by traps.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::process::Command;

use tool::guests::RUNTIME;
use tool::{Workplace, example};

/// Runs `app` on both machines with both kinds of entry; what they all print, and the status.
#[track_caller]
fn same_on_both(workplace: &Workplace, app: &str, options: &[&str], input: &[u8]) -> (String, i32) {
    let mut outcomes = Vec::new();
    for entry in ["auto", "trap"] {
        let build = ["build", app, "-o", "image", "--platform", "qemu-virt", "--entry", entry];
        let built = workplace.zeroos(&[&build, options].concat()).exits(0);
        let built = built.says(&["platform qemu-virt has no memory at 0x1", "supervisor mode", "Sv39"]);
        assert!(entry == "trap" || !built.stderr.contains(" 0 of "), "{}", built.stderr);
        for engine in ["qemu", "builtin"] {
            let finished = workplace.zeroos_with_input(&["run", "--engine", engine, "image"], input);
            outcomes.push((finished.text().to_owned(), finished.status));
        }
    }
    let first = outcomes.remove(0);
    assert!(outcomes.iter().all(|outcome| *outcome == first), "{app}: {first:?}, but {outcomes:?}");
    first
}

#[track_caller]
fn prints_what_is_expected(name: &str, status: i32) {
    let workplace = Workplace::new();
    let (output, ended) = same_on_both(&workplace, &example(&format!("{name}/bin/gc-exec")), &[], b"");
    let expected = std::fs::read_to_string(example(&format!("{name}/expected.stdout"))).unwrap();
    assert_eq!((output, ended), (expected, status));
}

#[test]
fn c_hello() {
    prints_what_is_expected("hello-c", 0);
}

#[test]
fn glibc() {
    prints_what_is_expected("hello-glibc", 0);
}

#[test]
fn c_threads() {
    prints_what_is_expected("threads-c", 0);
}

#[test]
fn files_that_are_mapped() {
    prints_what_is_expected("shared-files-c", 0);
}

#[test]
fn c_signal_handlers() {
    prints_what_is_expected("signals-c", 0);
}

#[test]
fn floating_point() {
    prints_what_is_expected("float-c", 0);
}

#[test]
fn cpp_exceptions_and_its_status() {
    prints_what_is_expected("exceptions-cpp", 3);
}

/// Null pointers fault as on Linux: the program's handlers see them, and without one it ends.
#[test]
fn faults_are_signals() {
    let workplace = Workplace::new();
    let (output, status) = same_on_both(&workplace, &example("faults-c/bin/gc-exec"), &[], b"");
    let expected = std::fs::read_to_string(example("faults-c/expected.stdout")).unwrap();
    // The kernel's last words share the line.
    let (printed, last_words) = output.split_at(expected.len());
    assert_eq!((printed, status), (&*expected, 139));
    assert!(last_words.starts_with("zeroos: fault: write to a page that may not be written, cause 15"), "{last_words}");
}

/// What the table does not show is a page fault: the causes differ from those of machine mode, the signal does not.
#[test]
fn addresses_that_the_table_does_not_show() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li t0, 1\nslli t0, t0, 36\nsb zero, 5(t0)\nli a7, 93\necall\n";
    let app = workplace.guest("wild.S", source, &[]);
    let (output, status) = same_on_both(&workplace, &app, &[], b"");
    assert_eq!(status, 139);
    assert!(output.contains("cause 15, ") && output.contains("trap value 0x1000000005"), "{output}");
}

/// Segments, mappings, the break and the stack allow what they would under Linux, to the program and to its calls, and a handler
/// learns what happened and where.
#[test]
fn pages_allow_what_linux_allows() {
    let workplace = Workplace::new();
    let source = format!("{RUNTIME}{}", include_str!("fixtures/page_table/protection.c"));
    let app = workplace.guest("protection.c", &source, &["-Wl,-z,separate-code"]);
    let linux = tool::finish(Command::new("qemu-riscv64").args(["-s", "8388608", &app]), b"");
    assert_eq!(linux.status, 42, "{}", linux.text());
    let (output, status) = same_on_both(&workplace, &app, &["--arg", "more"], b"");
    // arch/riscv/mm/init.c, protection_map; brk(2).
    let more = "code that cannot be read\n  signal 11, code 2, at base + 0\nand runs\n  nothing\n\
        a break given back\n  signal 11, code 1, at base + 4096\n0 is there afterwards\n";
    assert_eq!((output.strip_prefix(more), status), (Some(linux.text()), 42), "{output}");
    // Where a run was started already, the table is as it was then.
    let build = ["build", &app, "-o", "image", "--platform", "qemu-virt", "--arg", "more", "--snapshot"];
    workplace.zeroos(&build).exits(0);
    for engine in ["qemu", "builtin"] {
        assert_eq!(workplace.zeroos(&["run", "--engine", engine, "image"]).exits(42).text(), output);
    }
}

/// The mmap of programs that only ever map anonymous memory anywhere has its pages shown, too.
#[test]
fn fresh_mappings() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 222\nli a0, 0\nli a1, 8192\nli a2, 3\nli a3, 0x22\nli a4, -1\nli a5, 0\necall\n\
        li t0, 7\nli t1, 4096\nadd a0, a0, t1\nsd t0, 0(a0)\nld a0, 0(a0)\nli a7, 93\necall\n";
    let app = workplace.guest("fresh.S", source, &[]);
    assert!(workplace.zeroos(&["manifest", &app]).exits(0).text().contains("memory, fresh"));
    assert_eq!(same_on_both(&workplace, &app, &[], b""), (String::new(), 7));
}

/// Without a handler the run ends, and says what happened.
#[test]
fn protection_without_handlers() {
    let workplace = Workplace::new();
    for (what, code, message) in [
        ("overflow.S", "1: addi sp, sp, -2000\nsd zero, 0(sp)\nj 1b", "may not be written, cause 15"),
        ("constants.S", "la t0, _start\nsd zero, 0(t0)", "write to a page that may not be written, cause 15"),
        ("data.S", "la t0, data\njr t0", "jump to a page that may not be executed, cause 12"),
        ("unmapped.S", "la t0, data\nli t1, 1 << 20\nadd t0, t0, t1\nld t0, 0(t0)", "may not be read, cause 13"),
    ] {
        let source =
            format!(".globl _start\n_start: li a7, 172\necall\n{code}\nli a7, 93\necall\n.data\ndata: .dword 0\n");
        let app = workplace.guest(what, &source, &[]);
        let (output, status) = same_on_both(&workplace, &app, &[], b"");
        assert!(status == 139 && output.contains(message), "{what}: {output}");
        assert_eq!(output.contains("below the stack, which is full"), what == "overflow.S", "{output}");
    }
}

/// Arguments, a committed file and input: threads, channels and a hash map of Rust's std.
#[test]
fn rust_std() {
    let workplace = Workplace::new();
    let file = format!("/input/text.txt={}", example("std-rust/input/text.txt"));
    let input = std::fs::read(example("std-rust/input/numbers.txt")).unwrap();
    let options = ["--file", &file, "--arg", "input/text.txt"];
    let (output, status) = same_on_both(&workplace, &example("std-rust/bin/gc-exec"), &options, &input);
    let expected = std::fs::read_to_string(example("std-rust/expected.stdout")).unwrap();
    assert_eq!((output, status), (expected, 0));
}

/// Without a name, `--engine qemu` finds the platform that can hold the program.
#[test]
fn qemu_runs_what_it_is_given() {
    let workplace = Workplace::new();
    let app = example("hello-minimal-c/bin/gc-exec");
    let finished = workplace.zeroos(&["run", "--engine", "qemu", &app]).exits(0);
    assert_eq!(finished.stdout, std::fs::read(example("hello-minimal-c/expected.stdout")).unwrap());
}
