//! `--snapshot`: an image that starts right before its first input or output does what the whole one does, and executes
//! exactly the rest of it.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use tool::{Workplace, example};

/// Builds `app` whole and started, with `options`, and runs both with `input`. How many instructions the started image has
/// behind it.
fn same_but_shorter(app: &str, options: &[&str], input: &[u8]) -> u64 {
    let workplace = Workplace::new();
    workplace.platform_without_csrs();
    let app = example(app);
    workplace.zeroos(&[&["build", &app, "-o", "whole"], options].concat()).exits(0);
    let built = workplace.zeroos(&[&["build", &app, "-o", "started", "--snapshot"], options].concat()).exits(0);
    let (whole, whole_stats) = workplace.stats(&[], "whole", input);
    let (started, stats) = workplace.stats(&[], "started", input);
    assert_eq!((started.status, started.text()), (whole.status, whole.text()), "{app}: {}", started.stderr);
    // "it starts at write at 0x12d7a: 1961 instructions are done"
    let done: u64 = built.stderr.split(": ").last().unwrap().split(' ').next().unwrap().parse().unwrap();
    let count = |stats: &serde_json::Value, what: &str| stats["instructions"][what].as_u64().unwrap();
    if !options.contains(&"plain") {
        // There the first instruction of the rest is the program's.
        assert_eq!(count(&whole_stats, "total"), done + count(&stats, "total") - count(&stats, "boot"), "{app}");
    }
    assert!(count(&stats, "total") < count(&whole_stats, "total"), "{app}");
    done
}

#[test]
fn programs_of_every_kind() {
    for entry in ["direct", "trap"] {
        for app in ["hello-c/bin/gc-pie", "float-c/bin/gc-exec", "signals-c/bin/imac-pie", "waiting-c/bin/gc-exec"] {
            same_but_shorter(app, &["--entry", entry], b"");
        }
        let done = same_but_shorter("rayon-rust/bin/gc-exec", &["--entry", entry], b"");
        assert!(done > 200_000, "threads and all computing come before the first output: {done}");
    }
}

#[test]
fn without_csrs() {
    for app in ["hello-c/bin/imac-exec", "threads-c/bin/imac-pie", "signals-c/bin/imac-exec", "rayon-rust/bin/imac-pie"]
    {
        same_but_shorter(app, &["--platform", "plain"], b"");
    }
}

/// QEMU's board starts at the image's first byte, whatever its entry says. Behind a page table, too.
#[test]
fn on_qemu() {
    let workplace = Workplace::new();
    for (app, entry) in
        [("hello-c/bin/gc-pie", "auto"), ("threads-c/bin/gc-exec", "auto"), ("float-c/bin/gc-exec", "trap")]
    {
        let options = ["-o", "image", "--platform", "qemu-virt", "--entry", entry, "--snapshot"];
        workplace.zeroos(&[&["build", &example(app)], &options[..]].concat()).exits(0).says(&["it starts at "]);
        let expected = example(app).split("bin/").next().unwrap().to_owned() + "expected.stdout";
        let expected = std::fs::read_to_string(expected).unwrap();
        for engine in ["builtin", "qemu"] {
            let finished = workplace.zeroos(&["run", "--engine", engine, "image"]).exits(0);
            assert_eq!(finished.text(), expected, "{app} on {engine}");
        }
    }
}

/// What is read is no part of the image.
#[test]
fn input_is_read_by_the_run() {
    let workplace = Workplace::new();
    let app = example("words-rust/bin/gc-exec");
    workplace.zeroos(&["build", &app, "-o", "image", "--snapshot"]).exits(0).says(&["it starts at read at 0x"]);
    let first = workplace.zeroos_with_input(&["run", "image"], b"a b a").exits(0);
    let second = workplace.zeroos_with_input(&["run", "image"], b"one").exits(0);
    assert!(first.text().contains("3 words") && second.text().contains("1 word"), "{}{}", first.text(), second.text());
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let workplace = Workplace::new();
    let app = example("threads-c/bin/gc-pie");
    for image in ["first", "second"] {
        workplace.zeroos(&["build", &app, "-o", image, "--snapshot"]).exits(0);
    }
    assert!(std::fs::read(workplace.path("first")).unwrap() == std::fs::read(workplace.path("second")).unwrap());
}

#[test]
fn a_program_that_never_asks_for_anything_is_an_error() {
    let workplace = Workplace::new();
    let app = workplace.guest("fault.S", ".globl _start\n_start: li a7, 172\n ecall\n lw a0, 0(zero)\n", &[]);
    // The kernel's message about the fault is the first output: there the image starts.
    workplace.zeroos(&["build", &app, "-o", "image", "--snapshot"]).exits(0).says(&["it starts at getpid"]);
    workplace.zeroos(&["run", "image"]).exits(139);
    let early = workplace.guest("early.S", ".globl _start\n_start: lw a0, 0(zero)\n", &[]);
    workplace.zeroos(&["build", &early, "-o", "image", "--snapshot"]).exits(1).says(&["error[ZOS-E0810]", "help: "]);
}

/// A machine whose loader wants segments on pages of their own, and one without compressed instructions.
#[test]
fn on_machines_with_rules() {
    for (platform, app) in [
        ("ckb-vm", "hello-c/bin/imac-exec"),
        ("ckb-vm", "compute-c/bin/imac-exec"),
        ("sp1", "words-rust/bin/ima-pie"),
        ("zisk", "threads-c/bin/ima-pie"),
    ] {
        let workplace = Workplace::new();
        let app = example(app);
        workplace.zeroos(&["build", &app, "--platform", platform, "-o", "whole"]).exits(0);
        workplace.zeroos(&["build", &app, "--platform", platform, "-o", "started", "--snapshot"]).exits(0);
        let run = |image| workplace.zeroos_with_input(&["run", image], b"one two one").exits(0).stdout;
        assert!(run("whole") == run("started"), "{platform} {app}");
    }
}

#[test]
fn a_program_that_changes_its_code_is_an_error() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: lla t0, 1f\n li t1, 0x13\n sw t1, (t0)\n fence.i\n li a7, 172\n ecall\n1: nop\n li a7, 93\n ecall\n";
    let app = workplace.guest("patches.S", source, &[]);
    let refused = workplace.zeroos(&["build", &app, "-o", "image", "--snapshot"]);
    refused.exits(1).says(&["error[ZOS-E0812]", "code or constants", "help: "]);
}
