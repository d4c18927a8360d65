//! `--check-access`: calls say to memory that does not allow what they do what Linux says, in machine mode, too.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::process::Command;

use tool::guests::RUNTIME;
use tool::{Workplace, example};

#[test]
fn calls_see_what_pages_allow() {
    let workplace = Workplace::new();
    let source = format!("{RUNTIME}{}", include_str!("fixtures/checked_access.c"));
    for flags in [&["-Wl,-z,separate-code"][..], &["-Wl,-z,separate-code", "-static-pie", "-fPIE"]] {
        let app = workplace.guest("access.c", &source, flags);
        let linux = tool::finish(Command::new("qemu-riscv64").arg(&app), b"");
        assert_eq!(linux.status, 0, "{}", linux.text());
        for entry in ["auto", "trap"] {
            let build = ["build", &app, "-o", "image", "--platform", "spike", "--entry", entry];
            workplace.zeroos(&[&build[..], &["--check-access"]].concat()).exits(0);
            assert_eq!(workplace.zeroos(&["run", "image"]).exits(0).text(), linux.text(), "{flags:?}, {entry}");
            // Without, calls know ranges only, and write over the program's code: this test could fail.
            workplace.zeroos(&build).exits(0);
            assert_ne!(workplace.zeroos(&["run", "image"]).text(), linux.text());
        }
    }
}

/// Programs that do nothing wrong notice nothing.
#[test]
fn programs_run_as_before() {
    let workplace = Workplace::new();
    for name in ["hello-c", "threads-c", "signals-c", "waiting-c", "shared-files-c", "hello-rust", "tokio-rust"] {
        let program = example(&format!("{name}/bin/gc-exec"));
        let plain = workplace.zeroos(&["run", &program]);
        let checked = workplace.zeroos(&["run", "--check-access", &program]);
        assert_eq!((checked.text(), checked.status), (plain.text(), plain.status), "{name}");
    }
}

/// `zeroos.toml` can ask for it, and an image that exists cannot be asked.
#[test]
fn it_is_asked_for_at_build() {
    let workplace = Workplace::new();
    let program = example("hello-c/bin/gc-exec");
    workplace.zeroos(&["build", &program, "-o", "plain", "--emit-source", "plain-source"]).exits(0);
    std::fs::write(workplace.path("zeroos.toml"), "check_access = true\n").unwrap();
    workplace.zeroos(&["build", &program, "-o", "checked", "--emit-source", "checked-source"]).exits(0);
    let has_it = |folder: &str| workplace.path(folder).join("src/subsystems/checked_memory.rs").exists();
    assert_eq!((has_it("plain-source"), has_it("checked-source")), (false, true));
    let refused = workplace.zeroos(&["run", "--check-access", "checked"]);
    refused.exits(125).says(&["--check-access given with an image"]);
}
