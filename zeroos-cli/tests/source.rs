//! `--emit-source`: what an auditor reads is what is compiled, and plain cargo compiles it.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tool::{Workplace, example, finish};

/// Set to 1 to write the golden files instead of comparing with them.
const UPDATE: &str = "ZEROOS_UPDATE_GOLDEN";

/// All files below `folder` by their relative path.
fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Builds `app` with `--emit-source source` and returns the emitted files.
fn emitted(workplace: &Workplace, app: &str, entry: &str) -> BTreeMap<String, Vec<u8>> {
    workplace.zeroos(&["build", app, "-o", "image", "--entry", entry, "--emit-source", "source"]).exits(0);
    files_below(&workplace.path("source"))
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[test]
fn plain_cargo_compiles_the_emitted_crate() {
    let workplace = Workplace::new();
    emitted(&workplace, &example("hello-c/bin/gc-exec"), "auto");
    let source = workplace.path("source");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--offline"]).current_dir(&source);
    cargo
        .env("CARGO_TARGET_DIR", workplace.path("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    finish(&mut cargo, b"").exits(0);
    let archive = workplace.path("target/riscv64imac-unknown-none-elf/release/libzeroos_kernel.a");
    assert!(fs::read(archive).unwrap().starts_with(b"!<arch>\n"));
}

#[test]
fn fragments_and_platform_are_copied_byte_for_byte() {
    let workplace = Workplace::new();
    let files = emitted(&workplace, &example("hello-c/bin/gc-exec"), "auto");
    let generated = [
        ".cargo/config.toml",
        "Cargo.toml",
        "README.md",
        "link.ld",
        "src/lib.rs",
        "src/memory.S",
        "src/start.S",
        "src/trap.S",
    ];
    let mut copies = 0;
    for (name, text) in &files {
        if generated.contains(&name.as_str()) {
            continue;
        }
        let original = match name.strip_prefix("src/") {
            Some("platform.rs") => repository("platforms/spike/platform.rs"),
            Some(fragment) => repository("kernel-fragments/src").join(fragment),
            None => panic!("{name} is neither generated nor a copy"),
        };
        // Where a variant was not chosen, a stand-in has the file's name.
        let stand_in = original.with_file_name(format!("no_{}", original.file_name().unwrap().to_str().unwrap()));
        let is_copy_of = |path: &Path| fs::read(path).is_ok_and(|original| original == *text);
        assert!(is_copy_of(&original) || is_copy_of(&stand_in), "{name} differs from {}", original.display());
        copies += 1;
    }
    assert!(copies > 20, "only {copies} copies");
    for name in generated {
        assert!(files.contains_key(name), "{name} is missing");
    }
}

/// It reads like written code: it is Rust, and rustfmt with the repository's settings finds no long or odd line to mend
/// in what prettyplease printed but line breaks.
#[test]
fn the_generated_root_is_rust_without_unrendered_parts() {
    let workplace = Workplace::new();
    let files = emitted(&workplace, &example("hello-rust/bin/gc-exec"), "auto");
    let root = std::str::from_utf8(&files["src/lib.rs"]).unwrap();
    let parsed = syn::parse_file(root).unwrap_or_else(|error| panic!("{error}\n{root}"));
    assert_eq!(root, prettyplease::unparse(&parsed), "printed again, it stays the same");
    for (name, text) in &files {
        let text = std::str::from_utf8(text).unwrap();
        let rendered = name.ends_with(".S") || !name.starts_with("src/");
        assert!(!rendered || !(text.contains("{{") || text.contains("{%")), "{name} has an unrendered part");
    }
}

#[test]
fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    let workplace = Workplace::new();
    let mine = workplace.write("source/mine.txt", "mine\n");
    let app = example("hello-minimal-c/bin/gc-exec");
    let refused = workplace.zeroos(&["build", &app, "-o", "image", "--emit-source", "source"]).exits(1);
    refused.says(&["error[ZOS-E0903]", "source already exists", "  help: "]);
    assert_eq!(files_below(&workplace.path("source")).len(), 1);
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine\n");
    assert_eq!(workplace.listing(), ["source"], "no image without its source");
    fs::create_dir(workplace.path("empty")).unwrap();
    workplace.zeroos(&["build", &app, "-o", "image", "--emit-source", "empty"]).exits(0);
}

/// What the program needs decides what the trap handler saves: any change to it is seen here.
#[track_caller]
fn trap_handler_is(golden: &str, source: &str) {
    let workplace = Workplace::new();
    let app = workplace.guest("guest.S", source, &[]);
    let files = emitted(&workplace, &app, "trap");
    let text = std::str::from_utf8(&files["src/trap.S"]).unwrap();
    let path = repository("zeroos-cli/tests/golden").join(golden);
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let difference = text.lines().zip(expected.lines()).position(|(new, old)| new != old);
    assert!(
        text == expected,
        "{golden} differs from line {:?} on; if that is meant, run again with {UPDATE}=1\n{text}",
        difference.map(|line| line + 1)
    );
}

#[test]
fn the_trap_handler_for_one_thread() {
    trap_handler_is("trap-single-thread.S", ".globl _start\n_start: li a7, 172\necall\nli a7, 93\necall\n");
}

#[test]
fn the_trap_handler_for_threads() {
    let source = ".globl _start\n_start: li a7, 220\necall\nli a7, 98\necall\nfcvt.d.w fa0, zero\nli a7, 93\necall\n";
    trap_handler_is("trap-threads.S", source);
}

/// Who a thread is is looked at whenever another one goes on, but not where there is only one.
#[test]
fn threads_of_different_users_only_where_there_are_threads() {
    // setuid; socketpair or clone, for either of which the kernel knows of more threads than one
    for (number, is_there) in [(199, false), (220, true)] {
        let workplace = Workplace::new();
        let source = format!(".globl _start\n_start: li a7, 146\necall\nli a7, {number}\necall\nli a7, 93\necall\n");
        let app = workplace.guest("guest.S", &source, &[]);
        let files = emitted(&workplace, &app, "trap");
        let is_found = files.keys().any(|name| name.ends_with("/thread_credentials.rs"));
        assert_eq!((is_found, files.keys().any(|name| name.ends_with("/acting.rs"))), (is_there, true), "{number}");
    }
}
