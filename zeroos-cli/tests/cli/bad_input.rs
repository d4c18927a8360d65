//! Files that are no static riscv64 Linux program: every command says what was found, what was expected and what to do,
//! exits with its failure status and writes nothing.

use crate::tool::{Workplace, example};

/// `build` and `manifest` exit with 1 and `run` with 125; all say `code`, `found` and a help line, and leave no file.
#[track_caller]
fn is_refused(workplace: &Workplace, name: &str, code: &str, found: &str) {
    let before = workplace.listing();
    for (command, status) in [("build", 1), ("manifest", 1), ("run", 125)] {
        let finished = workplace.zeroos(&[command, name]).exits(status);
        let finished = finished.says(&[&format!("error[{code}]"), name, found, "  help: "]);
        assert!(finished.stdout.is_empty(), "{command}: data on standard output");
        assert!(!finished.stderr.contains("panicked"), "{command}: {}", finished.stderr);
        assert_eq!(workplace.listing(), before, "{command} left files behind");
    }
}

/// Bytes that are refused, with the code and what the message says of them.
#[track_caller]
fn bytes_are_refused(bytes: &[u8], code: &str, found: &str) {
    let workplace = Workplace::new();
    workplace.write("app", bytes);
    is_refused(&workplace, "app", code, found);
    let finished = workplace.zeroos(&["build", "app"]);
    finished.says(&["; expected "]);
}

fn program() -> Vec<u8> {
    std::fs::read(example("hello-c/bin/gc-exec")).unwrap()
}

#[test]
fn an_empty_file() {
    bytes_are_refused(b"", "ZOS-E0101", "the file is empty");
}

#[test]
fn a_text_file() {
    bytes_are_refused(b"int main() { return 0; }\n", "ZOS-E0101", "this is a text file");
}

#[test]
fn a_script() {
    bytes_are_refused(b"#!/bin/sh\nexit 0\n", "ZOS-E0101", "this is a script");
}

#[test]
fn a_directory() {
    let workplace = Workplace::new();
    std::fs::create_dir(workplace.path("folder")).unwrap();
    is_refused(&workplace, "folder", "ZOS-E0901", "is a directory; expected a file");
}

#[test]
fn a_file_that_is_not_there() {
    is_refused(&Workplace::new(), "nowhere", "ZOS-E0901", "cannot read nowhere");
}

/// There is no memory for it, which is limited here so that a machine that has enough does not try.
#[test]
fn a_file_that_is_far_too_large() {
    let workplace = Workplace::new();
    let file = std::fs::File::create(workplace.path("app")).unwrap();
    file.set_len(1 << 42).unwrap();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -v 8388608 && exec \"$0\" manifest app", env!("CARGO_BIN_EXE_zeroos")]);
    let finished = crate::tool::finish(command.current_dir(workplace.folder()), b"").exits(1);
    finished.says(&["error[ZOS-E0901]", "cannot read app", "  help: "]);
}

/// Cut anywhere, the file is refused or (where only the symbols are gone) accepted, but never a crash.
#[test]
fn a_truncated_program() {
    let workplace = Workplace::new();
    let program = program();
    for size in [5, 63, 64, 100, 4096, program.len() / 2] {
        workplace.write("app", &program[..size]);
        is_refused(&workplace, "app", "ZOS-E0107", "the file is cut short");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_program_for_this_computer() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    bytes_are_refused(&bytes, "ZOS-E0104", "this program is for x86-64");
}

#[test]
fn a_32_bit_program() {
    let mut bytes = program();
    bytes[4] = 1;
    bytes_are_refused(&bytes, "ZOS-E0102", "this is a 32-bit ELF");
}

#[test]
fn a_big_endian_program() {
    let mut bytes = program();
    bytes[5] = 2;
    bytes_are_refused(&bytes, "ZOS-E0103", "this is a big-endian ELF");
}

#[test]
fn a_dynamically_linked_program() {
    let workplace = Workplace::new();
    workplace.write("dynamic.S", ".globl _start\n_start: li a7, 93\necall\n");
    let mut compiler = std::process::Command::new("riscv64-linux-gnu-gcc");
    compiler.args(["-nostdlib", "-pie", "-Wl,--dynamic-linker=/lib/ld-test.so", "-o", "app", "dynamic.S"]);
    crate::tool::finish(compiler.current_dir(workplace.folder()), b"").exits(0);
    is_refused(&workplace, "app", "ZOS-E0105", "the interpreter `/lib/ld-test.so`");
    workplace.zeroos(&["build", "app"]).says(&["link it statically: `-static`"]);
}

#[test]
fn an_object_file() {
    let workplace = Workplace::new();
    let object = workplace.guest("object.S", "nop\n", &["-c"]);
    std::fs::rename(object, workplace.path("app")).unwrap();
    is_refused(&workplace, "app", "ZOS-E0106", "an object file (not linked yet)");
}

/// An image is a static riscv64 ELF, too: it must not be taken for a program and get a second kernel.
#[test]
fn an_image_that_zeroos_built() {
    let workplace = Workplace::new();
    workplace.zeroos(&["build", &example("hello-minimal-c/bin/gc-exec"), "-o", "image"]).exits(0);
    for command in ["build", "manifest"] {
        let refused = workplace.zeroos(&[command, "image"]).exits(1);
        refused.says(&["error[ZOS-E0901]", "image is an image that zeroos built", "  help: "]);
    }
    assert_eq!(workplace.listing(), ["image"]);
}
