//! QuickJS's own tests: the interpreter from Debian's `quickjs`, and the files below `tests/` that its makefile runs.

use std::fs;

use anyhow::Result;

use super::case::{Case, Prepared, Reading, Suite};
use super::{fetch, musl};
use crate::compile::file_name;
use crate::cross::Toolchain;
use crate::step::Step;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "quickjs", title: "QuickJS (Debian's `quickjs`) on musl: the tests of its makefile", prepare };

/// The library both programs are made of.
const LIBRARY: [&str; 6] = ["quickjs.c", "dtoa.c", "libregexp.c", "libunicode.c", "cutils.c", "quickjs-libc.c"];

/// The tests of `make test`, with the interpreter's options.
const TESTS: [(&str, &[&str]); 8] = [
    ("test_closure.js", &[]),
    ("test_language.js", &[]),
    ("test_builtin.js", &["--std"]),
    ("test_loop.js", &[]),
    ("test_bigint.js", &[]),
    ("test_std.js", &[]),
    ("test_worker.js", &[]),
    ("test_cyclic_import.js", &[]),
];

fn prepare() -> Result<Prepared> {
    let toolchain = Toolchain::install()?;
    let source = fetch::debian_source("quickjs")?;
    let build = fetch::folder().join("build/quickjs");
    fs::create_dir_all(&build)?;
    let version = fs::read_to_string(source.join("VERSION"))?;
    let options = [
        "-D_GNU_SOURCE".to_owned(),
        "-fwrapv".to_owned(),
        format!("-DCONFIG_VERSION=\"{}\"", version.trim()),
        format!("-I{}", source.display()),
        "-lm".to_owned(),
    ];
    let library: Vec<_> = LIBRARY.iter().map(|name| source.join(name)).collect();

    // The interpreter carries a program compiled by the compiler.
    let (compiler, prompt, program) = (build.join("qjsc"), build.join("repl.c"), build.join("qjs"));
    let with = |more: [std::path::PathBuf; 2]| [library.clone(), more.to_vec()].concat();
    let nothing = build.join("nothing.c");
    fs::write(&nothing, "")?;
    musl::program(&toolchain, &compiler, &options, &with([source.join("qjsc.c"), nothing]))?;
    if !prompt.exists() {
        let step = Step::new("qemu-riscv64").quiet().args(["-R", "0x40000000"]).arg(&compiler);
        step.args(["-s", "-c", "-o"]).arg(&prompt).args(["-m", "repl.js"]).directory(&source).run()?;
    }
    musl::program(&toolchain, &program, &options, &with([source.join("qjs.c"), prompt]))?;

    let mut prepared = Prepared::default();
    let files = musl::files(&source.join("tests"), "js")?;
    for (test, options) in TESTS {
        let mut case = Case::new(test, &program, Reading::Output);
        case.arguments = options.iter().map(|option| (*option).to_owned()).collect();
        case.arguments.push(format!("tests/{test}"));
        for file in &files {
            case.files.push((format!("tests/{}", file_name(file)?), file.clone()));
        }
        prepared.cases.push(case);
    }
    Ok(prepared)
}
