//! Measures the static analysis on the corpus: what it predicts beside what the programs do, how long it takes beside
//! GNU objdump, and how time grows with size. The tables go to standard output, all numbers to `target/bench`, and with
//! `--update-readme` into `corpus/results.md`, `corpus/growth.svg` and `README.md`.

mod growth;
mod measure;
mod plot;
mod report;
mod row;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::corpus::{self, list::List};
use crate::cross::Toolchain;
use crate::debian::{self, Tool};
use crate::setup;
use crate::step::cargo;
use growth::Point;
pub use measure::{BETWEEN, run_measured};
use row::Row;

const JSON: &str = "target/bench/analysis.json";

/// Everything that was measured.
#[derive(Serialize)]
pub struct Results {
    /// All binaries, in the order of the tables.
    pub rows: Vec<Row>,
    /// Time by text size, synthetic programs.
    pub growth: Vec<Point>,
    /// Which third-party packages were measured.
    pub origins: Vec<String>,
}

/// `bench-analysis [--update-readme] [PROGRAM…]`: with names only these programs, and growth if it is one of the names.
pub fn bench_analysis(arguments: &[&str]) -> Result<()> {
    let update = arguments.contains(&"--update-readme");
    let only: Vec<&str> = arguments.iter().copied().filter(|argument| !argument.starts_with("--")).collect();
    let unknown = arguments.iter().find(|argument| argument.starts_with("--") && **argument != "--update-readme");
    anyhow::ensure!(unknown.is_none(), "unknown option {}; `--update-readme` is the only one", unknown.unwrap_or(&""));
    anyhow::ensure!(!update || only.is_empty(), "--update-readme needs all programs");
    setup::setup()?;
    debian::install_missing(&[Tool { program: "riscv64-linux-gnu-objdump", package: "binutils-riscv64-linux-gnu" }])?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;
    if let Err(error) = corpus::fetch() {
        eprintln!("NOTICE: {error:#}\nNOTICE: these programs are not measured");
    }
    let toolchain = Toolchain::install()?;
    let list = corpus::list()?;
    let wanted = |name: &str| only.is_empty() || only.contains(&name);
    let own = corpus::own::programs(&list)?;
    let mut known: Vec<&str> = own.iter().map(|program| program.name.as_str()).collect();
    known.extend(list.fetched.iter().map(|program| program.name.as_str()));
    known.push("growth");
    let unknown = only.iter().find(|name| !known.contains(name));
    anyhow::ensure!(unknown.is_none(), "no program {}; there are {}", unknown.unwrap_or(&""), known.join(", "));

    let mut rows = own_rows(&toolchain, &list, &wanted)?;
    let mut origins = Vec::new();
    for program in list.fetched.iter().filter(|program| wanted(&program.name)) {
        let binary = corpus::fetched_path(program);
        if binary.exists() {
            let scratch = scratch(&program.name)?;
            println!("measuring {}", program.name);
            let row = Row::measure((&program.name, "gc-exec"), false, &binary, &program.run, &scratch);
            rows.push(row.with_context(|| program.name.clone())?);
            origins.extend(corpus::origin(program).map(|origin| format!("`{}` is {origin}", program.name)));
        }
    }
    let growth = if wanted("growth") { growth::measure(&toolchain)? } else { Vec::new() };

    let results = Results { rows, growth, origins };
    let json = crate::root().join(JSON);
    fs::create_dir_all(json.parent().context("it has a folder")?)?;
    fs::write(&json, serde_json::to_string_pretty(&results)? + "\n")?;
    println!("\n{}", report::text(&results));
    println!("all numbers: {JSON}");
    if update {
        fs::write(crate::root().join("corpus/results.md"), report::markdown(&results))?;
        fs::write(crate::root().join("corpus/growth.svg"), plot::svg(&results))?;
        let readme = crate::root().join("README.md");
        fs::write(&readme, report::readme(&fs::read_to_string(&readme)?, &results)?)?;
    }
    Ok(())
}

fn own_rows(toolchain: &Toolchain, list: &List, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for program in corpus::own::programs(list)?.iter().filter(|program| wanted(&program.name)) {
        for flavour in &program.flavours {
            for symbols in [true, false] {
                let what = || format!("{} {flavour}{}", program.name, if symbols { " with symbols" } else { "" });
                let binary = program.binary(toolchain, flavour, symbols)?;
                let directory = match &program.directory {
                    Some(directory) => directory.clone(),
                    None => scratch(&program.name)?,
                };
                println!("measuring {}", what());
                let row = Row::measure((&program.name, flavour), symbols, &binary, &program.runs, &directory);
                rows.push(Row { small: true, ..row.with_context(what)? });
            }
        }
    }
    Ok(rows)
}

/// An empty folder for the runs of a program.
fn scratch(name: &str) -> Result<PathBuf> {
    let folder = crate::root().join("target/corpus/runs").join(Path::new(name));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
