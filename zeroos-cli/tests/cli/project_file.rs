//! `zeroos.toml` in the working directory: read by every build, unknown keys refused.

use crate::tool::{Workplace, example, guests};

#[test]
fn it_gives_arguments_environment_files_and_platform() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &[]);
    workplace.write("host.txt", "contents\n");
    let project = "platform = \"spike\"\nargs = [\"from-file\"]\nenv = { A = \"1\" }\nfiles = { \"/data/file\" = \"host.txt\" }\n";
    workplace.write("zeroos.toml", project);
    let finished = workplace.zeroos(&["run", "--env", "B=2", &app, "from-line"]).exits(3);
    assert_eq!(finished.text(), "arg /bin/inputs.elf\narg from-file\narg from-line\nenv A=1\nenv B=2\nfile contents\n");
}

#[test]
fn it_declares_calls_that_answer_enosys() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 221\necall\nneg a0, a0\nli a7, 93\necall\n";
    let app = workplace.guest("execve.S", source, &[]);
    workplace.zeroos(&["run", &app]).exits(123);
    workplace.write("zeroos.toml", "[syscalls]\nenosys = [\"execve\"]\n");
    let finished = workplace.zeroos(&["run", "--deny-missing", &app]).exits(38);
    assert_eq!(finished.stderr, "");
}

#[test]
fn what_it_cannot_mean_is_refused_and_named() {
    let workplace = Workplace::new();
    let app = example("hello-minimal-c/bin/gc-exec");
    for (text, what) in [
        ("platfrom = \"spike\"\n", "platfrom"),
        ("args = 3\n", "args"),
        ("[syscalls]\nenosys = [\"frobnicate\"]\n", "`frobnicate`"),
        ("files = { \"/f\" = \"nowhere\" }\n", "nowhere"),
        ("platform = \"vax\"\n", "`vax`"),
        ("seed = \"xyz\"\n", "`xyz`"),
    ] {
        workplace.write("zeroos.toml", text);
        workplace.zeroos(&["build", &app]).exits(1).says(&["error[ZOS-E", what, "  help: "]);
        workplace.zeroos(&["run", &app]).exits(125);
        assert_eq!(workplace.listing(), ["zeroos.toml"]);
    }
}
