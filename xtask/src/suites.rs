//! Other people's tests: each suite is built for riscv64, every program runs under `qemu-riscv64` and as an image on the
//! built-in machine, and every test that passes there and not here is told. Answers are kept under `target/suites`, so a
//! run that was broken off goes on, and only what changed runs again. The results are written to `docs/suites.md`.

mod case;
mod execute;
mod fetch;
mod libtest;
mod list;
mod lua;
mod musl;
mod posix;
mod programs;
mod quickjs;
mod report;
mod rust;
mod zlib;

use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::debian::{self, Tool};
use crate::step::cargo;
use case::{Case, CaseAnswers, Outcome, Suite};
use execute::{Side, execute, key};
use list::List;
use report::Table;

/// All of them, in the order of the report.
const SUITES: [Suite; 7] =
    [programs::SUITE, rust::CORE, rust::STD, posix::SUITE, lua::SUITE, quickjs::SUITE, zlib::SUITE];

/// What every suite needs.
const TOOLS: [Tool; 2] = [
    Tool { program: "qemu-riscv64", package: "qemu-user" },
    Tool { program: "riscv64-linux-gnu-gcc", package: "gcc-riscv64-linux-gnu" },
];

/// Runs the named suites, or all, and writes the report, in which the other suites keep what it said of them. With
/// `--differing` only those cases run whose last answers differ; `--fast` is what [`fast`] does.
pub fn suites(arguments: &[&str]) -> Result<()> {
    if arguments == ["--fast"] {
        return fast();
    }
    let only_differing = arguments.contains(&"--differing");
    let names: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != "--differing").collect();
    if let Some(unknown) = names.iter().find(|name| !SUITES.iter().any(|suite| suite.name == **name)) {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        bail!("no suite is called {unknown}; there are: {}", known.join(", "));
    }
    debian::install_missing(&TOOLS)?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;
    let list = List::read()?;
    let mut found = Vec::new();
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.contains(&suite.name)) {
        let table = run(suite, &list, only_differing).with_context(|| format!("suite {}", suite.name))?;
        print!("{}", table.text());
        found.push((suite.name.to_owned(), table));
    }
    let mut tables = report::tables()?;
    tables.extend(found);
    report::write(&tables, &SUITES, &list)
}

/// Fetches what [`fast`] runs, if it is not there.
pub fn source_of_fast() -> Result<()> {
    fetch::debian_source(posix::PACKAGE).map(drop)
}

/// Runs a part that takes little time, with the tool that the tests use. Every test must pass as an image that passes under the
/// reference, unless the reason is known.
pub fn fast() -> Result<()> {
    debian::install_missing(&TOOLS)?;
    cargo().args(["build", "--package", "zeroos-cli"]).run()?;
    let list = List::read()?;
    let prepared = posix::fast()?;
    let mut cases = list.applied(posix::SUITE.name, prepared.cases);
    cases.retain(|case| !case.is_long);
    cases.iter_mut().for_each(|case| case.tool = crate::root().join("target/debug/zeroos"));
    let (reference, image) = both_sides("posix-fast", &cases, false)?;
    let table = Table::new(&posix::SUITE, &reference, &image, &prepared.left_out)?;
    print!("{}", table.text());
    match table.unexplained(&list).as_slice() {
        [] => Ok(()),
        tests => bail!("pass under qemu-riscv64 and not as images: {}", tests.join(", ")),
    }
}

/// Runs what has no answers yet, and compares.
fn run(suite: &Suite, list: &List, only_differing: bool) -> Result<Table> {
    let prepared = (suite.prepare)()?;
    let cases = list.applied(suite.name, prepared.cases);
    let (reference, image) = both_sides(suite.name, &cases, only_differing)?;
    Table::new(suite, &reference, &image, &prepared.left_out)
}

/// The answers of cases, by name.
type Answers = BTreeMap<String, CaseAnswers>;

/// Answers of `cases` under the reference and as images, which are kept as those of `name`.
fn both_sides(name: &str, cases: &[Case], only_differing: bool) -> Result<(Answers, Answers)> {
    let folder = fetch::folder().join("answers");
    fs::create_dir_all(&folder)?;
    let path = |side: &str| folder.join(format!("{name}.{side}.json"));
    let last = last_answers(&path("reference"))?;
    let answers = |side, side_name, last| answers(name, cases, side, &path(side_name), last);
    // Both sides at once: under the reference many tests only sleep.
    let (reference, image) = thread::scope(|scope| {
        let reference = scope.spawn(|| answers(Side::Reference, "reference", None));
        let image = answers(Side::Image, "image", Some(&last).filter(|_| only_differing));
        (reference.join(), image)
    });
    Ok((reference.unwrap_or_else(|panic| resume_unwind(panic))?, image?))
}

/// The answers in the file at `path`; none if there is no such file.
fn last_answers(path: &Path) -> Result<Answers> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string()),
        Err(_) => Ok(BTreeMap::new()),
    }
}

/// The answers of all cases on `side`, from the file at `path` where they are up to date. With `reference`, answers that
/// do not differ from it count as up to date.
fn answers(name: &str, cases: &[Case], side: Side, path: &Path, reference: Option<&Answers>) -> Result<Answers> {
    let mut known = last_answers(path)?;
    known.retain(|known, _| cases.iter().any(|case| case.name == *known));
    let (side_name, folder) =
        if side == Side::Reference { ("under qemu-riscv64", "reference") } else { ("as an image", "image") };
    let scratch = fetch::folder().join("run").join(format!("{name}-{folder}"));
    fs::create_dir_all(&scratch)?;
    for (index, case) in cases.iter().enumerate() {
        if let Some(answer) = known.get(&case.name) {
            let same = reference.and_then(|reference| reference.get(&case.name)).is_some_and(|r| same(r, answer));
            if same || answer.key == key(case, side)? {
                continue;
            }
        }
        println!("{name} {} of {}, {side_name}: {}", index + 1, cases.len(), case.name);
        known.insert(case.name.clone(), execute(case, side, &scratch)?);
        // A rename is atomic: being broken off costs one case.
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_string(&known)?)?;
        fs::rename(new, path)?;
    }
    Ok(known)
}

/// Whether the image passes wherever the reference does.
fn same(reference: &CaseAnswers, image: &CaseAnswers) -> bool {
    let passed = |answers: &CaseAnswers, name: &String| {
        answers.tests.get(name).is_some_and(|answer| answer.outcome == Outcome::Passed)
    };
    reference.output == image.output
        && reference.tests.keys().all(|name| !passed(reference, name) || passed(image, name))
}
