//! The commands that tell: platforms, fragments, doctor. Their data is on standard output.

use crate::tool::{Workplace, example};

#[test]
fn platforms_lists_what_the_binary_carries() {
    let listed = Workplace::new().zeroos(&["platforms"]).exits(0);
    for name in ["spike", "qemu-virt"] {
        assert!(listed.text().lines().any(|line| line.starts_with(name) && line.contains("rv64gc")), "{name}");
    }
}

/// A platform folder that cannot be read is said, and does not hide the others.
#[test]
fn a_broken_platform_is_a_warning_in_the_list_and_an_error_when_used() {
    let workplace = Workplace::new();
    workplace.write("platforms/bad/platform.toml", "schema = 3\n");
    workplace.write("platforms/bad/platform.rs", "");
    let listed = workplace.zeroos(&["platforms"]).exits(0).says(&["warning: ", "bad/platform.toml"]);
    assert!(listed.text().contains("spike"));
    let app = example("hello-minimal-c/bin/gc-exec");
    workplace.zeroos(&["build", "--platform", "bad", &app]).exits(1).says(&["error[ZOS-E0302]", "bad/platform.toml"]);
    workplace.zeroos(&["build", &app]).exits(0);
}

#[test]
fn fragments_lists_each_call_with_its_file() {
    let listed = Workplace::new().zeroos(&["fragments"]).exits(0);
    let write = listed.text().lines().find(|line| line.contains(" write ")).expect("write is provided").to_owned();
    assert!(write.trim_start().starts_with("64 ") && write.contains("/write.rs"), "{write}");
    let numbers: Vec<u64> =
        listed.text().lines().map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted());
}

#[test]
fn doctor_finds_what_builds_need() {
    let report = Workplace::new().zeroos(&["doctor"]).exits(0);
    for part in ["rustc", "riscv64imac-unknown-none-elf", "rust-lld", "built-in machine", "qemu-system-riscv64"] {
        assert!(report.text().contains(part), "{part} in {}", report.text());
    }
    assert!(!report.text().contains("MISSING"));
}

#[test]
fn doctor_says_what_is_missing_and_what_installs_it() {
    let workplace = Workplace::new();
    let mut command = workplace.command(&["doctor"]);
    command.env("RUSTC", "/nowhere/rustc").env("PATH", "/nowhere");
    let report = crate::tool::finish(&mut command, b"").exits(1);
    assert!(
        report.text().contains("MISSING  rustc") && report.text().contains("https://rustup.rs"),
        "{}",
        report.text()
    );
    assert!(report.text().contains("apt-get install qemu-system-misc"), "{}", report.text());
}
