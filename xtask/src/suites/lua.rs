//! Lua's own tests, for Lua 5.1: the interpreter from Debian's `lua5.1`, its programs below `test/`, and the test suite of
//! that version, which Debian's `golang-github-yuin-gopher-lua` carries.

use std::path::Path;

use anyhow::Result;

use super::case::{Case, Prepared, Reading, Suite};
use super::{fetch, musl};
use crate::compile::file_name;
use crate::cross::Toolchain;

/// The suite.
pub const SUITE: Suite = Suite {
    name: "lua",
    title: "Lua 5.1 (Debian's `lua5.1`) on musl: its sample programs, and its test suite (in `golang-github-yuin-gopher-lua`)",
    prepare,
};

/// Files of the suite that are no tests by themselves, or need a Lua built for testing.
const NO_TESTS: [&str; 2] = ["all.lua", "checktable.lua"];

/// What `all.lua` sets before it calls the others, and a random number generator that begins alike.
const PRELUDE: &str = "_soft = true; math.randomseed(0)";

fn prepare() -> Result<Prepared> {
    let toolchain = Toolchain::install()?;
    let source = fetch::debian_source("lua5.1")?.join("src");
    let build = fetch::folder().join("build/lua");
    std::fs::create_dir_all(&build)?;
    let program = build.join("lua");
    let sources = musl::c_files(&source, &["luac.c", "print.c"])?;
    let options = ["-DLUA_USE_POSIX".to_owned(), format!("-I{}", source.display()), "-lm".into()];
    musl::program(&toolchain, &program, &options, &sources)?;

    let mut prepared = Prepared::default();
    let suite = fetch::debian_source("golang-github-yuin-gopher-lua")?.join("_lua5.1-tests");
    let files = musl::files(&suite, "lua")?;
    for file in &files {
        let name = file_name(file)?;
        if NO_TESTS.contains(&name.as_str()) {
            continue;
        }
        let mut case = case(format!("suite/{name}"), &program, &name);
        // Tests load each other.
        for other in &files {
            case.files.push((file_name(other)?, other.clone()));
        }
        prepared.cases.push(case);
    }
    let samples = source.with_file_name("test");
    for file in musl::files(&samples, "lua")? {
        let name = file_name(&file)?;
        let mut case = case(format!("samples/{name}"), &program, &name);
        case.files.push((name, file));
        prepared.cases.push(case);
    }
    Ok(prepared)
}

fn case(test: String, program: &Path, name: &str) -> Case {
    let mut case = Case::new(test, program, Reading::Output);
    case.arguments = ["-e", PRELUDE, name].map(str::to_owned).to_vec();
    case
}
