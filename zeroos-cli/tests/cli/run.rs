//! `zeroos run`: a cargo runner. Streams, arguments and the exit status are the guest's.

use crate::tool::{Workplace, example, guests};

const PASSES_ON: &[&str] = &["one", "", "two  three", "--trace", "--", "-h", "--max-instructions=1"];

/// Everything behind the program belongs to it, even what looks like an option of ours.
#[test]
fn arguments_environment_files_and_input_arrive() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &[]);
    workplace.write("host.txt", "contents\n");
    let options =
        ["run", "--arg", "first", "--arg", "-x", "--env", "A=1", "--env", "B=x=y", "--file", "/data/file=host.txt"];
    let expected = "arg /bin/inputs.elf\narg first\narg -x\narg one\narg \narg two  three\narg --trace\narg --\narg -h\n\
        arg --max-instructions=1\nenv A=1\nenv B=x=y\nfile contents\ninput line 1\nline 2";
    for separator in [&[][..], &["--"]] {
        let arguments = [&options[..], separator, &[&*app], PASSES_ON].concat();
        let finished = workplace.zeroos_with_input(&arguments, b"line 1\nline 2").exits(10);
        assert_eq!(finished.text(), expected);
        assert_eq!(finished.stderr, "to stderr\n");
    }
}

#[test]
fn rust_std_gets_its_arguments_its_file_and_its_input() {
    let workplace = Workplace::new();
    let file = format!("/input/text.txt={}", example("std-rust/input/text.txt"));
    let input = std::fs::read(example("std-rust/input/numbers.txt")).unwrap();
    let app = example("std-rust/bin/gc-pie");
    let finished = workplace.zeroos_with_input(&["run", "--file", &file, &app, "input/text.txt"], &input).exits(0);
    assert_eq!(finished.stdout, std::fs::read(example("std-rust/expected.stdout")).unwrap(), "{}", finished.stderr);
}

/// What went into an image was fixed when it was built: nothing may be added by mistake, not even silently ignored.
#[test]
fn an_image_takes_neither_arguments_nor_build_options() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &[]);
    workplace.write("f", "x\n");
    workplace.zeroos(&["build", &app, "-o", "image", "--arg", "built-in", "--env", "A=1"]).exits(0);
    let finished = workplace.zeroos_with_input(&["run", "image"], b"typed").exits(2);
    assert_eq!(finished.text(), "arg /bin/inputs.elf\narg built-in\nenv A=1\nno file\ninput typed");
    workplace
        .zeroos(&["run", "image", "argument"])
        .exits(125)
        .says(&["error[ZOS-E0904]", "arguments given with an image"]);
    for options in [
        &["--arg", "a"][..],
        &["--env", "A=1"],
        &["--file", "/f=f"],
        &["--seed", "00"],
        &["--platform", "spike"],
        &["--entry", "trap"],
        &["--emit-source", "source"],
        &["--deny-missing"],
        &["--deny-unbounded"],
    ] {
        let refused = workplace.zeroos(&[&["run"], options, &["image"]].concat()).exits(125);
        refused.says(&["error[ZOS-E0904]", "given with an image", "`zeroos build`"]);
    }
}

#[test]
fn the_instruction_limit_ends_a_run_with_124() {
    let workplace = Workplace::new();
    let app = workplace.guest("forever.S", ".globl _start\n_start: j _start\nli a7, 93\necall\n", &[]);
    let finished = workplace.zeroos(&["run", "--max-instructions", "100000", &app]).exits(124);
    finished.says(&["the instruction limit ended the run"]);
    let hello = example("hello-minimal-c/bin/gc-exec");
    workplace.zeroos(&["run", "--max-instructions", "100000", &hello]).exits(0);
}

#[test]
fn what_is_denied_is_not_run() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 221\necall\nli a7, 93\necall\n";
    let app = workplace.guest("execve.S", source, &[]);
    workplace.zeroos(&["run", "--deny-missing", &app]).exits(125).says(&["error[ZOS-E0505]", "execve"]);
    let source = ".globl _start\n_start: ld a7, 0(sp)\necall\nli a7, 93\necall\n";
    let app = workplace.guest("any.S", source, &[]);
    workplace.zeroos(&["run", "--deny-unbounded", &app]).exits(125).says(&["error[ZOS-E0506]"]);
}

/// One line a call on standard error; standard output stays the guest's.
#[test]
fn trace_shows_every_call() {
    let workplace = Workplace::new();
    let finished = workplace.zeroos(&["run", "--trace", &example("hello-minimal-c/bin/gc-exec")]).exits(0);
    assert_eq!(finished.stdout, std::fs::read(example("hello-minimal-c/expected.stdout")).unwrap());
    let calls: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("0x")).collect();
    let [.., write, exit] = calls.as_slice() else { panic!("{calls:?}") };
    assert!(write.contains(" write(0x1, 0x") && write.ends_with(" = 0x6"), "{calls:?}");
    assert!(exit.contains(" exit_group(0x0, ") && exit.ends_with(" = ?"), "{calls:?}");
}

/// Every executed instruction is in one context, on machines of every kind; threads and signal handlers have theirs.
#[test]
fn a_profile_holds_every_instruction_and_who_called() {
    let workplace = Workplace::new();
    for (platform, app, expected) in [
        ("spike", "hello-c/bin/gc-exec-symbols", ";main;printf;vfprintf;printf_core"),
        ("spike", "threads-c/bin/gc-exec", ";[call clone]"),
        ("spike", "signals-c/bin/gc-exec", ";[kernel];zeroos_call_139"),
        ("qemu-virt", "hello-rust/bin/gc-exec", ";[call write]"),
        ("sp1", "words-rust/bin/ima-pie", ";[call write]"),
    ] {
        let options = ["run", "--platform", platform, "--profile", "stacks", "--stats", "stats.json"];
        let finished = workplace.zeroos(&[&options[..], &[&*example(app)]].concat()).exits(0);
        finished.says(&["stacks has every stack", "with callees"]);
        let stats: serde_json::Value =
            serde_json::from_slice(&std::fs::read(workplace.path("stats.json")).unwrap()).unwrap();
        let stacks = std::fs::read_to_string(workplace.path("stacks")).unwrap();
        let counts = stacks.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
        assert_eq!(Some(counts.sum()), stats["instructions"]["total"].as_u64(), "{app} on {platform}");
        assert!(stacks.lines().any(|line| line.contains(expected)), "{app} on {platform}: {stacks}");
    }
}

#[test]
fn options_that_an_engine_does_not_have_are_refused_before_anything_runs() {
    let workplace = Workplace::new();
    let app = example("hello-minimal-c/bin/gc-pie");
    for options in
        [&["--trace"][..], &["--max-instructions", "5"], &["--stats", "stats.json"], &["--profile", "stacks"]]
    {
        let refused = workplace.zeroos(&[&["run", "--engine", "qemu"], options, &[&*app]].concat()).exits(125);
        assert!(refused.stdout.is_empty());
        refused.says(&["error[ZOS-E0", options[0]]);
    }
    let spike = workplace.zeroos(&["run", "--engine", "qemu", "--platform", "spike", &app]).exits(125);
    spike.says(&["error[ZOS-E0805]", "`spike`", "--platform qemu-virt"]);
}

/// What begins like an option is taken for one, not for a program that cannot be found.
#[test]
fn an_unknown_option_is_named() {
    let finished = Workplace::new().zeroos(&["run", "--standard-input", "file", "app"]).exits(125);
    finished.says(&["error[ZOS-E0904]", "no option `--standard-input`", "--help"]);
}
