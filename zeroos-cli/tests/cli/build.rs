//! `zeroos build`: what it writes where, and that a build that fails changes nothing.

use crate::tool::{Workplace, example};

fn minimal() -> String {
    example("hello-minimal-c/bin/gc-exec")
}

#[test]
fn the_image_is_named_after_the_program_and_lies_here() {
    let workplace = Workplace::new();
    let built = workplace.zeroos(&["build", &minimal()]).exits(0);
    assert!(built.stdout.is_empty());
    assert_eq!(workplace.listing(), ["gc-exec.zeroos.elf"]);
    let finished = workplace.zeroos(&["run", "gc-exec.zeroos.elf"]).exits(0);
    assert_eq!(finished.stdout, std::fs::read(example("hello-minimal-c/expected.stdout")).unwrap());
}

/// Neither a bad program, nor a plan that cannot be, nor a wrong option touches the image that is there.
#[test]
fn a_failing_build_leaves_the_old_image_alone() {
    let workplace = Workplace::new();
    workplace.write("image", "precious");
    workplace.write("text", "no program\n");
    let minimal = minimal();
    for (arguments, status) in [
        (vec!["text"], 1),
        (vec![&*minimal, "--platform", "jolt"], 1),
        (vec![&*minimal, "--platform", "vax"], 1),
        (vec![&*minimal, "--seed", "xyz"], 1),
        (vec![&*minimal, "--no-such-option"], 2),
    ] {
        workplace.zeroos(&[&["build", "-o", "image"], arguments.as_slice()].concat()).exits(status);
        assert_eq!(std::fs::read(workplace.path("image")).unwrap(), b"precious", "{arguments:?}");
        assert_eq!(workplace.listing(), ["image", "text"], "{arguments:?}");
    }
}

#[test]
fn a_build_replaces_the_old_image() {
    let workplace = Workplace::new();
    workplace.write("image", "old");
    workplace.zeroos(&["build", &minimal(), "-o", "image"]).exits(0);
    assert!(std::fs::read(workplace.path("image")).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn the_program_itself_is_never_overwritten() {
    let workplace = Workplace::new();
    let program = std::fs::read(minimal()).unwrap();
    workplace.write("app", &program);
    workplace.zeroos(&["build", "app", "-o", "./app"]).exits(1).says(&["error[ZOS-E0903]", "already exists"]);
    assert_eq!(std::fs::read(workplace.path("app")).unwrap(), program);
}

/// A device is written to, not replaced by a file; a link keeps pointing where it did.
#[test]
#[cfg(unix)]
fn devices_and_links_stay_what_they_are() {
    use std::os::unix::fs::FileTypeExt;
    let workplace = Workplace::new();
    workplace.zeroos(&["build", &minimal(), "-o", "/dev/null"]).exits(0);
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    workplace.write("target", "old");
    std::os::unix::fs::symlink("target", workplace.path("link")).unwrap();
    workplace.zeroos(&["build", &minimal(), "-o", "link"]).exits(0);
    assert!(std::fs::symlink_metadata(workplace.path("link")).unwrap().is_symlink());
    assert!(std::fs::read(workplace.path("target")).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let workplace = Workplace::new();
    let refused = workplace.zeroos(&["build", &minimal(), "-o", "nowhere/image"]).exits(1);
    refused.says(&["error[ZOS-E0902]", "cannot write nowhere/image", "  help: "]);
}

#[test]
fn an_executable_that_the_platform_has_no_memory_for() {
    let workplace = Workplace::new();
    workplace.platform("high", &[("[in_place]\nstart = \"0x1000\"\nend = \"0x2000000\"\n", "")]);
    let refused = workplace.zeroos(&["build", &minimal(), "--platform", "high"]).exits(1);
    refused.says(&[
        "error[ZOS-E0501]",
        "the program lies at 0x10000",
        "platform `high` has memory at 0x80000000",
        "  help: ",
        "-static-pie",
        "-Wl,-Ttext-segment",
    ]);
}

#[test]
fn the_report_lists_every_site_with_its_way_into_the_kernel() {
    let workplace = Workplace::new();
    let report = |entry: &str| -> serde_json::Value {
        let built = workplace.zeroos(&["build", &minimal(), "-o", "image", "--entry", entry, "--report", "report"]);
        built.exits(0).says(&["sites direct"]);
        serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap()
    };
    let direct = report("direct");
    let sites = direct["sites"].as_array().unwrap();
    assert!(sites.len() >= 3 && direct["direct"] == sites.len() && direct["trap"] == 0);
    for site in sites {
        assert!(site["entry"] == "direct" && site["stub"].is_string() && site["callee"].is_string(), "{site}");
        assert_eq!((&site["replaced"]["start"], &site["replaced"]["size_bytes"]), (&site["placed"], &4.into()));
    }
    let trap = report("trap");
    assert!(trap["direct"] == 0 && trap["trap"] == sites.len());
    for site in trap["sites"].as_array().unwrap() {
        assert!(site["entry"] == "trap" && site["reason"].as_str().unwrap().contains("--entry trap"), "{site}");
        assert!(site.get("stub").is_none(), "{site}");
    }
}

#[test]
fn an_unknown_platform_lists_the_known_ones() {
    let workplace = Workplace::new();
    let refused = workplace.zeroos(&["build", &minimal(), "--platform", "vax"]).exits(1);
    refused.says(&["error[ZOS-E0301]", "`vax`", "qemu-virt, sp1, spike", "zeroos new-platform"]);
}

/// A reachable call that nothing provides: built with a warning, refused if asked.
#[test]
fn missing_fragments_are_a_warning_or_an_error() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: li a7, 221\necall\nli a7, 93\necall\n";
    let app = workplace.guest("execve.S", source, &[]);
    workplace.zeroos(&["build", &app]).exits(0).says(&["warning: ", "no fragment provides execve"]);
    let refused = workplace.zeroos(&["build", &app, "--deny-missing"]).exits(1);
    refused.says(&["error[ZOS-E0505]", "execve (221, reached by _start)", "  help: ", "zeroos explain"]);
}

/// A number that comes out of memory that anybody may have written.
#[test]
fn unbounded_calls_are_a_warning_or_an_error() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: ld a7, 0(sp)\necall\nli a7, 93\necall\n";
    let app = workplace.guest("any.S", source, &[]);
    workplace.zeroos(&["build", &app]).exits(0).says(&["warning: ", "can carry any number"]);
    let refused = workplace.zeroos(&["build", &app, "--deny-unbounded"]).exits(1);
    refused.says(&["error[ZOS-E0506]", "in _start", "  help: ", "zeroos manifest"]);
}

/// A function that returns behind its call: no path to the `ecall`s there is seen. They count, but nothing replaces what may
/// be no instruction, and the program runs all the same.
#[test]
fn where_control_is_lost_every_ecall_counts_and_keeps_its_trap() {
    let workplace = Workplace::new();
    let source = ".option norvc\n.globl _start\n_start: jal 1f\n.word 0\nli a0, 7\nli a7, 93\necall\n1: jr 4(ra)\n";
    let app = workplace.guest("skips.S", source, &[]);
    let manifest = workplace.zeroos(&["manifest", &app]).exits(0);
    assert!(manifest.text().contains("control returns to another place"), "{}", manifest.text());
    workplace.zeroos(&["build", &app, "-o", "image", "--report", "report"]).exits(0).says(&["0 of 1 sites direct"]);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(workplace.path("report")).unwrap()).unwrap();
    assert!(report["sites"][0]["reason"].as_str().unwrap().contains("no path to it"), "{report}");
    workplace.zeroos(&["run", "image"]).exits(7);
}

/// What may be a constant, by the section headers, is not written to: the program could read it.
#[test]
fn an_ecall_among_constants_keeps_its_trap() {
    let workplace = Workplace::new();
    let source = ".globl _start\n_start: lla s0, hidden\nli a7, 172\njalr s0\nlw t0, (s0)\nli t1, 0x73\nsub a0, t0, t1\n\
        li a7, 93\necall\n.section .rodata\n.balign 4\nhidden: ecall\nret\n";
    let app = workplace.guest("constant.S", source, &[]);
    workplace.zeroos(&["build", &app, "-o", "image", "--report", "report"]).exits(0).says(&["1 of 2 sites direct"]);
    let report = std::fs::read_to_string(workplace.path("report")).unwrap();
    assert!(report.contains("no code lies there by the section headers"), "{report}");
    workplace.zeroos(&["run", "image"]).exits(0);
}

#[test]
fn inputs_that_no_program_could_be_given() {
    let workplace = Workplace::new();
    let (minimal, host) = (minimal(), workplace.write("host", "x"));
    let host = host.display();
    for (option, value, what) in [
        ("--env", "NOVALUE".to_owned(), "`NOVALUE` is not KEY=VALUE"),
        ("--file", "/only-guest".to_owned(), "is not GUEST=HOST"),
        ("--file", format!("relative={host}"), "must be absolute"),
        ("--file", format!("/a/../b={host}"), "without empty, `.` or `..` parts"),
        ("--file", "/a=nowhere".to_owned(), "cannot read nowhere"),
        ("--seed", "0".to_owned(), "not an even number of up to 64 hexadecimal digits"),
    ] {
        workplace.zeroos(&["build", &minimal, option, &value]).exits(1).says(&["error[ZOS-E0", what, "  help: "]);
    }
    assert_eq!(workplace.listing(), ["host"]);
}
