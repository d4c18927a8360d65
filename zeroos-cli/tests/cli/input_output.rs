//! Private input and public output: files for the program, options of `zeroos run`.

use std::fs;

use crate::tool::{Workplace, guests};

/// SHA-256 of `in in `.
const DIGEST: &str = "6058e6fcb7e7401c65a8e54693903e765582d2730a058c2df6100ccae9238d90";

#[test]
fn public_output_is_kept_apart_and_told_by_its_digest() {
    let workplace = Workplace::new();
    let app = workplace.guest("answers.c", &guests::answers_its_input(), &[]);
    workplace.write("input", "in ");
    let options = ["run", "--input", "input", "--public-output", "public", "--stats", "stats.json"];
    let finished = workplace.zeroos_with_input(&[&options[..], &[&*app]].concat(), b"not this").exits(0);
    assert_eq!(finished.text(), "round\nround\n");
    assert_eq!(fs::read(workplace.path("public")).unwrap(), b"in in ");
    let stats: serde_json::Value = serde_json::from_slice(&fs::read(workplace.path("stats.json")).unwrap()).unwrap();
    assert_eq!(stats["public_output"]["bytes"], 6);
    assert_eq!(stats["public_output"]["sha256"], DIGEST);
    assert!(stats.get("misaligned_accesses").is_none(), "they have no price there");
}

#[test]
fn without_options_they_are_the_standard_streams() {
    let workplace = Workplace::new();
    let app = workplace.guest("answers.c", &guests::answers_its_input(), &[]);
    let finished = workplace.zeroos_with_input(&["run", &app], b"x").exits(0);
    assert_eq!(finished.text(), "xround\nxround\n");
    finished.says(&["public output, 2", "`--public-output FILE`"]);
    let options = ["run", "--engine", "qemu", "--input", "input"];
    workplace.write("input", "y\n");
    let pie = workplace.guest("answers.c", &guests::answers_its_input(), &["-static-pie"]);
    let finished = workplace.zeroos(&[&options[..], &[&*pie]].concat()).exits(0);
    assert_eq!(finished.text().replace('\r', ""), "y\nround\ny\nround\n");
}

/// One serial line carries everything: nothing can be kept apart.
#[test]
fn a_machine_without_public_output_says_so() {
    let workplace = Workplace::new();
    let app = workplace.guest("answers.c", &guests::answers_its_input(), &["-static-pie"]);
    let options = ["run", "--platform", "qemu-virt", "--public-output", "public"];
    let refused = workplace.zeroos(&[&options[..], &[&*app]].concat()).exits(125);
    refused.says(&["error[ZOS-E0904]", "`qemu-virt`", "--public-output"]);
    workplace.zeroos(&["run", "--input", "missing", &app]).exits(125).says(&["error[ZOS-E0901]", "missing"]);
}

#[test]
fn a_descriptor_can_be_open_from_the_start() {
    let workplace = Workplace::new();
    let source = guests::RUNTIME.to_owned()
        + "static int main(long argc, char **argv, char **envp) { print(\"said\"); return call(64, 5, (long)\"kept\", 4, 0) != 4; }";
    let app = workplace.guest("writes.c", &source, &[]);
    let run = |options: &[&str]| workplace.zeroos(&[&["run", "--public-output", "public"], options, &[&*app]].concat());
    assert_eq!(run(&["--output-fd", "5"]).exits(0).text(), "said");
    assert_eq!(fs::read(workplace.path("public")).unwrap(), b"kept");
    run(&[]).exits(1);
    run(&["--output-fd", "2"]).exits(125).says(&["error[ZOS-E0507]", "is 2", "from 3"]);
    workplace.write("zeroos.toml", "output_fd = 5\n");
    run(&[]).exits(0);
}
