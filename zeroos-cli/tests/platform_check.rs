//! `zeroos platform check`: every shipped platform keeps the contract on the built-in machine, and of one that does not the
//! line that is broken is told.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use std::fs;

use tool::{Finished, Workplace};

fn check(workplace: &Workplace, platform: &str) -> Finished {
    workplace.zeroos(&["platform", "check", platform])
}

#[test]
fn shipped_platforms_keep_the_contract() {
    let workplace = Workplace::new();
    for platform in ["spike", "qemu-virt", "zkvm-standard", "jolt", "ckb-vm", "zisk", "sp1"] {
        let finished = check(&workplace, platform);
        assert_eq!(finished.status, 0, "{platform}:\n{}{}", finished.text(), finished.stderr);
        assert!(finished.text().ends_with("all 11 checks passed\n"), "{}", finished.text());
    }
}

#[test]
fn a_new_platform_keeps_it_at_once() {
    let workplace = Workplace::new();
    workplace.platform("mychain", &[]);
    assert_eq!(check(&workplace, "mychain").exits(0).text().lines().filter(|line| line.starts_with("ok")).count(), 11);
}

/// Each way of breaking a platform, and the checks that notice.
#[test]
fn broken_promises_are_named() {
    let breaks: [(&str, &str, &[&str]); 5] = [
        (
            "let mut rest = bytes;",
            "let mut rest = &bytes[..bytes.len().min(5)];",
            &["console", "input", "output", "big image", "illegal"],
        ),
        ("status.cast_unsigned() as u64", "0u64", &["exit", "illegal"]),
        ("let count = self.host_call(READ", "let count = 0 * self.host_call(READ", &["input", "output"]),
        ("self.write(PUBLIC, bytes)", "self.write(2, bytes)", &["output"]),
        (
            "fn read_input",
            "fn init(&mut self) { loop {} }\n    fn read_input",
            &["boot", "console", "exit", "memory", "threads"],
        ),
    ];
    for (from, to, expected) in breaks {
        let workplace = Workplace::new();
        workplace.platform("broken", &[]);
        let file = workplace.path("platforms/broken/platform.rs");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "expected `{from}` in:\n{text}");
        fs::write(&file, text.replace(from, to)).unwrap();
        let finished = check(&workplace, "broken").exits(1);
        let failed = |name: &str| finished.text().lines().any(|line| line.starts_with(&format!("FAILED  {name} ")));
        assert!(expected.iter().all(|name| failed(name)), "{from} -> {to}: {}", finished.text());
        assert!(!failed("image"), "{}", finished.text());
    }
}

#[test]
fn a_platform_that_does_not_build_says_why() {
    let workplace = Workplace::new();
    workplace.platform("broken", &[("htif = true", "htif = true\nhost = \"toaster\"")]);
    check(&workplace, "broken").exits(1).says(&["error[ZOS-E0302]", "toaster"]);
    check(&workplace, "nowhere").exits(1).says(&["error[ZOS-E0301]", "nowhere"]);
}
