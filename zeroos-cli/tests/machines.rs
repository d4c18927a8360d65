//! One image, two machines: the built-in one and QEMU's print the same bytes and end with the same status.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::process::Stdio;

use tool::{Workplace, example, guests};

/// Builds `app` for qemu-virt once and runs the image on both; the output and status they agree on.
#[track_caller]
fn same_on_both(workplace: &Workplace, app: &str, options: &[&str], input: &[u8]) -> (Vec<u8>, i32) {
    workplace.zeroos(&[&["build", app, "-o", "image", "--platform", "qemu-virt"], options].concat()).exits(0);
    let builtin = workplace.zeroos_with_input(&["run", "--engine", "builtin", "image"], input);
    let qemu = workplace.zeroos_with_input(&["run", "--engine", "qemu", "image"], input);
    assert_eq!(
        String::from_utf8_lossy(&builtin.stdout),
        String::from_utf8_lossy(&qemu.stdout),
        "built-in:\n{}QEMU:\n{}",
        builtin.stderr,
        qemu.stderr
    );
    assert_eq!(builtin.status, qemu.status, "{}", qemu.stderr);
    (builtin.stdout, builtin.status)
}

#[track_caller]
fn prints_what_is_expected(name: &str, arguments: &[&str], status: i32) {
    let workplace = Workplace::new();
    let arguments: Vec<&str> = arguments.iter().flat_map(|argument| ["--arg", argument]).collect();
    for binary in ["gc-pie", "imac-pie"] {
        let app = example(&format!("{name}/bin/{binary}"));
        let (output, ended) = same_on_both(&workplace, &app, &arguments, b"");
        let expected = std::fs::read_to_string(example(&format!("{name}/expected.stdout"))).unwrap();
        assert_eq!(String::from_utf8_lossy(&output), expected, "{app}");
        assert_eq!(ended, status, "{app}");
    }
}

#[test]
fn minimal_c() {
    prints_what_is_expected("hello-minimal-c", &[], 0);
}

#[test]
fn c_hello() {
    prints_what_is_expected("hello-c", &[], 0);
}

#[test]
fn rust_hello() {
    prints_what_is_expected("hello-rust", &[], 0);
}

#[test]
fn cpp_exceptions_and_its_status() {
    prints_what_is_expected("exceptions-cpp", &[], 3);
}

#[test]
fn c_threads() {
    prints_what_is_expected("threads-c", &[], 0);
}

#[test]
fn c_signal_handlers() {
    prints_what_is_expected("signals-c", &[], 0);
}

#[test]
fn rayon() {
    prints_what_is_expected("rayon-rust", &[], 0);
}

#[test]
fn computation() {
    prints_what_is_expected("compute-c", &["3"], 0);
}

/// A guest that may be placed anywhere.
const PIE: [&str; 1] = ["-static-pie"];

/// Input goes through whole, its end is seen, and standard error shares the line.
#[test]
fn standard_input_arrives_and_ends() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &PIE);
    for input in [&b""[..], b"x", b"two\nlines\n"] {
        let (output, status) = same_on_both(&workplace, &app, &["--arg", "a"], input);
        assert_eq!(status, 2);
        assert!(output.ends_with(b"to stderr\n"));
    }
}

/// More than a pipe, a UART's queue or a buffer of ours holds, byte for byte. (0x04 ends a serial line's input.)
#[test]
fn much_input_arrives_whole() {
    let workplace = Workplace::new();
    let sum = format!(
        "{}\nstatic int main(long argc, char **argv, char **envp) {{\n    static unsigned char buffer[777];\n    \
         unsigned long sum = 0, size = 0;\n    long count;\n    \
         while ((count = call(63, 0, (long)buffer, sizeof buffer, 0)) > 0)\n        \
         for (long i = 0; i < count; i++) {{ sum = sum * 31 + buffer[i]; size++; }}\n    \
         call(64, 1, (long)&sum, 8, 0);\n    call(64, 1, (long)&size, 8, 0);\n    return 0;\n}}\n",
        guests::RUNTIME
    );
    let app = workplace.guest("sum.c", &sum, &PIE);
    let input: Vec<u8> = (0..200_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8 | 8).collect();
    let (output, _) = same_on_both(&workplace, &app, &[], &input);
    let expected = input.iter().fold(0u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    assert_eq!(output, [expected.to_le_bytes(), 200_000u64.to_le_bytes()].concat());
}

/// A variable aligned to more than any page: the linker says so in `p_align`, and the program may count on it.
#[test]
fn a_moved_program_keeps_its_alignment() {
    let workplace = Workplace::new();
    let source = format!(
        "{}\nstatic _Alignas(0x100000) volatile char big[16];\n\
         static int main(long argc, char **argv, char **envp) {{ return ((long)big & 0xfffff) == 0 ? 5 : 6; }}\n",
        guests::RUNTIME
    );
    let app = workplace.guest("aligned.c", &source, &["-static-pie", "-Wl,-z,max-page-size=0x100000"]);
    let (_, status) = same_on_both(&workplace, &app, &[], b"");
    assert_eq!(status, 5);
}

/// GNU ld without separate code: two segments share a page, and neither starts or ends on one.
#[test]
fn segments_that_share_a_page_keep_their_contents() {
    let workplace = Workplace::new();
    let source = format!(
        "{}\nstatic const char text[] = \"constant \";\nstatic char data[] = \"data \";\nstatic char zero[100];\n\
         static int main(long argc, char **argv, char **envp) {{\n    print(text);\n    print(data);\n    \
         for (long i = 0; i < 100; i++) if (zero[i]) print(\"dirt\");\n    data[0] = 'D';\n    print(data);\n    return 0;\n}}\n",
        guests::RUNTIME
    );
    // `-N` puts everything into one writable segment, and makes no position-independent programs.
    for linking in ["-Wl,-z,noseparate-code", "-Wl,-z,max-page-size=4096", "-Wl,-N"] {
        if linking != "-Wl,-N" {
            let app = workplace.guest("pages.c", &source, &["-static-pie", linking]);
            let (output, _) = same_on_both(&workplace, &app, &[], b"");
            assert_eq!(String::from_utf8_lossy(&output), "constant data Data ", "{linking}");
        }
        let app = workplace.guest("pages.c", &source, &[linking]);
        let finished = workplace.zeroos(&["run", &app]).exits(0);
        assert_eq!(finished.text(), "constant data Data ", "{linking}");
    }
}

#[test]
fn every_exit_status_passes_through() {
    let workplace = Workplace::new();
    for status in [0, 1, 2, 42, 122, 127, 128, 255] {
        let source = format!(".globl _start\n_start: li a0, {status}\nli a7, 93\necall\n");
        let app = workplace.guest("exit.S", &source, &PIE);
        let (_, ended) = same_on_both(&workplace, &app, &[], b"");
        assert_eq!(ended, status);
    }
}

/// A guest that ends while its input is still open must not keep the tool waiting for that input.
#[test]
fn a_run_ends_though_its_input_stays_open() {
    let workplace = Workplace::new();
    for engine in ["builtin", "qemu"] {
        let app = example("hello-minimal-c/bin/gc-pie");
        let mut command = workplace.command(&["run", "--platform", "qemu-virt", "--engine", engine, &app]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let held_open = child.stdin.take();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{engine}");
        drop(held_open);
    }
}

/// A reader that goes away ends neither the run nor its status.
#[test]
fn a_closed_output_does_not_change_the_status() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li s0, 30000\n1: li a7, 64\nli a0, 1\nlla a1, text\nli a2, 8\necall\n\
        addi s0, s0, -1\nbnez s0, 1b\nli a7, 93\nli a0, 7\necall\n.section .rodata\ntext: .ascii \"1234567\\n\"\n";
    let app = workplace.guest("flood.S", source, &PIE);
    for engine in ["builtin", "qemu"] {
        let mut command = workplace.command(&["run", "--platform", "qemu-virt", "--engine", engine, &app]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(7), "{engine}");
    }
}

/// What an image says of its runner is not executed: the platform's own folder decides.
#[test]
fn an_image_cannot_name_the_command_that_runs_it() {
    let workplace = Workplace::new();
    let app = example("hello-minimal-c/bin/gc-pie");
    workplace.zeroos(&["build", &app, "-o", "image", "--platform", "qemu-virt"]).exits(0);
    let mut image = std::fs::read(workplace.path("image")).unwrap();
    let (name, other) = (b"\"qemu-system-riscv64\"", b"\"/xqemu-system-evil/\"");
    let at = image.windows(name.len()).position(|window| window == name).expect("the note names the runner");
    image[at..at + name.len()].copy_from_slice(other);
    workplace.write("image", image);
    let finished = workplace.zeroos(&["run", "--engine", "qemu", "image"]).exits(0);
    assert_eq!(finished.stdout, std::fs::read(example("hello-minimal-c/expected.stdout")).unwrap());
}

/// QEMU that cannot start is the tool's failure, not the guest's exit status 1.
#[test]
fn a_failing_emulator_is_no_guest_exit() {
    let workplace = Workplace::new();
    workplace.zeroos(&["new-platform", "board"]).exits(0);
    let file = workplace.path("platforms/board/platform.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let runner = "command = [\"qemu-system-riscv64\", \"-M\", \"no-such-machine\", \"-kernel\", \"{image}\"]";
    workplace.write("platforms/board/platform.toml", text.replace("command = []", runner));
    let app = example("hello-minimal-c/bin/gc-pie");
    let refused = workplace.zeroos(&["run", "--engine", "qemu", "--platform", "board", &app]).exits(125);
    refused.says(&["error[ZOS-E0804]", "unsupported machine type"]);
}

/// Images for the platform `spike`, with the console that QEMU's board of that name has, run there: its memory, its bootloader,
/// `tohost` and `fromhost` by their symbols.
#[test]
fn images_for_spike_run_on_qemus_spike_board() {
    let workplace = Workplace::new();
    workplace.zeroos(&["new-platform", "board", "--from", "spike"]).exits(0);
    workplace.write("platforms/board/platform.rs", include_str!("fixtures/htif_character.rs"));
    let file = workplace.path("platforms/board/platform.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (kept, _) = text.split_once("[runner]").unwrap();
    let runner = r#"command = ["qemu-system-riscv64", "-M", "spike", "-cpu", "rv64", "-m", "2G", "-bios", "none", "-nographic",
        "-monitor", "none", "-serial", "stdio", "-kernel", "{image}"]"#;
    workplace.write("platforms/board/platform.toml", format!("{kept}[runner]\n{runner}\n"));
    for (name, status) in [("hello-c", 0), ("hello-rust", 0), ("threads-c", 0), ("exceptions-cpp", 3)] {
        let app = example(&format!("{name}/bin/gc-pie"));
        let finished = workplace.zeroos(&["run", "--engine", "qemu", "--platform", "board", &app]).exits(status);
        assert_eq!(finished.text(), std::fs::read_to_string(example(&format!("{name}/expected.stdout"))).unwrap());
    }
}
