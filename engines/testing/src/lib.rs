//! For the engines' tests: assembles small bare programs and runs engines on them.
//!
//! A program is RISC-V assembly in a string. It is assembled by rustc and linked by rust-lld, which zeroos needs anyway, so the
//! tests want no other tools. Nothing of `core` ends up in it: only what the string says.

#![allow(clippy::expect_used, reason = "a test has no other way to fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where a program's pieces go.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Address of `.text`, which is the executable segment.
    pub text: u64,
    /// May the executable segment be read?
    pub text_readable: bool,
    /// Address of `.rodata`, a read-only segment.
    pub rodata: u64,
    /// Address of `.data` and `.bss`, a writable segment.
    pub data: u64,
}

/// What an engine did.
pub struct Outcome {
    /// Exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

/// A folder for one test, with the engine to be tested.
pub struct Bench {
    engine: PathBuf,
    layout: Layout,
    folder: TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

impl Bench {
    /// A bench for the engine at `engine` (in a test: `env!("CARGO_BIN_EXE_…")`).
    pub fn new(engine: &str, layout: Layout) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { engine: engine.into(), layout, folder, environment: Vec::new() }
    }

    /// Sets an environment variable for the engine.
    pub fn environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// The path of a file in this folder, which may not exist yet.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in this folder.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file in the temporary folder");
        path
    }

    /// Reads a file in this folder.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Assembles a program; its entry is `_start`. It may use RV64IM, and further extensions that it names by
    /// `.option arch`; instructions are not compressed unless it says `.option rvc`.
    pub fn assemble(&self, source: &str) -> PathBuf {
        self.assemble_at(source, self.layout)
    }

    /// Assembles a program with a layout of its own.
    pub fn assemble_at(&self, source: &str, layout: Layout) -> PathBuf {
        let assembly =
            self.file("program.s", format!(".option norvc\n.option arch, +m\n.globl _start\n{source}").as_bytes());
        let root = self.file("program.rs", ROOT.as_bytes());
        let script = self.file("program.ld", script(layout).as_bytes());
        let image = self.path("program.elf");
        let output = Command::new("rustc")
            .args([
                "--edition=2024",
                "--crate-type=bin",
                "--target=riscv64imac-unknown-none-elf",
                "-Cpanic=abort",
                "-Copt-level=1",
            ])
            .arg(format!("-Clink-arg=-T{}", script.display()))
            .args(["-Clink-arg=--no-relax", "-Clink-arg=-zmax-page-size=4096", "-o"])
            .arg(&image)
            .arg(&root)
            .env("PROGRAM", &assembly)
            .output()
            .expect("rustc is on the path");
        assert!(output.status.success(), "{source}\n{}", String::from_utf8_lossy(&output.stderr));
        image
    }

    /// Runs the engine.
    pub fn engine(&self, arguments: &[&str], paths: &[(&str, &Path)]) -> Outcome {
        let mut command = Command::new(&self.engine);
        command.args(arguments).envs(self.environment.iter().copied());
        for (name, path) in paths {
            if !name.is_empty() {
                command.arg(name);
            }
            command.arg(path);
        }
        let output = command.output().expect("the engine starts");
        Outcome {
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Assembles and runs a program without input.
    pub fn run(&self, source: &str) -> Outcome {
        let image = self.assemble(source);
        self.engine(&["run"], &[("", &image)])
    }

    /// Assembles and runs a program with this input; returns the public output, too.
    pub fn run_with(&self, source: &str, input: &[u8]) -> (Outcome, Vec<u8>) {
        let image = self.assemble(source);
        let input = self.file("input", input);
        let output = self.path("public");
        let outcome = self.engine(
            &["run"],
            &[("", &image), ("--input", &input), ("--public-output", &output), ("--stats", &self.path("stats"))],
        );
        (outcome, fs::read(output).unwrap_or_default())
    }
}

/// A crate that is nothing but the assembly. The panic handler, which the compiler insists on, is dropped by the linker.
const ROOT: &str = r#"
#![no_std]
#![no_main]
core::arch::global_asm!(include_str!(env!("PROGRAM")), options(raw));
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"#;

fn script(layout: Layout) -> String {
    let Layout { text, text_readable, rodata, data } = layout;
    let executable = if text_readable { 5 } else { 1 };
    // Segments in order of address, as some loaders ask for; unused ones are not there.
    format!(
        "ENTRY(_start)
PHDRS {{ text PT_LOAD FLAGS({executable}); rodata PT_LOAD FLAGS(4); data PT_LOAD FLAGS(6); }}
SECTIONS {{
    . = {text:#x};
    .text : {{ KEEP(*(.text)) }} :text
    . = {rodata:#x};
    .rodata : {{ KEEP(*(.rodata .rodata.*)) }} :rodata
    . = {data:#x};
    .data : {{ KEEP(*(.data .data.*)) }} :data
    .bss : {{ KEEP(*(.bss .bss.*)) }} :data
    /DISCARD/ : {{ *(.comment .eh_frame .riscv.attributes .text.*) }}
}}
"
    )
}
