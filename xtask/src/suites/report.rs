//! What came out: a table by suite, every difference to the reference, and the report `docs/suites.md`.
//!
//! The tables are committed beside it, in `corpus/suites.json`, each with the state of the repository that it is of.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::case::{CaseAnswers, Outcome, Suite, TestAnswer};
use super::list::List;
use crate::step::Step;

/// The report, from the repository's root.
const REPORT: &str = "docs/suites.md";
/// The tables it is written from, from the repository's root: those of suites that do not run stay.
const TABLES: &str = "corpus/suites.json";

/// A test that passes under the reference and not as an image.
#[derive(Serialize, Deserialize)]
pub struct Difference {
    test: String,
    /// What a terminal is told.
    #[serde(skip)]
    details: String,
}

/// One suite's results.
#[derive(Serialize, Deserialize)]
pub struct Table {
    name: String,
    title: String,
    /// The commit that was run.
    state: String,
    /// Tests by outcome as images.
    passed: usize,
    failed: usize,
    skipped: usize,
    /// Tests that pass under the reference, and those that do not.
    reference_passed: usize,
    reference_failed: usize,
    /// Tests that pass as images only.
    only_image: usize,
    differences: Vec<Difference>,
    /// What is not run, by reason.
    left_out: BTreeMap<String, usize>,
}

impl Table {
    /// Compares the answers of both sides.
    pub fn new(
        suite: &Suite,
        reference: &BTreeMap<String, CaseAnswers>,
        image: &BTreeMap<String, CaseAnswers>,
        left_out: &[(String, &'static str)],
    ) -> Result<Self> {
        let mut table = Table {
            name: suite.name.to_owned(),
            title: suite.title.to_owned(),
            state: Step::new("git").args(["describe", "--always", "--dirty", "--abbrev=9"]).output()?.trim().to_owned(),
            passed: 0,
            failed: 0,
            skipped: 0,
            reference_passed: 0,
            reference_failed: 0,
            only_image: 0,
            differences: Vec::new(),
            left_out: BTreeMap::new(),
        };
        for (_, reason) in left_out {
            *table.left_out.entry((*reason).to_owned()).or_default() += 1;
        }
        for (case, expected) in reference {
            let Some(found) = image.get(case) else { continue };
            let same_output = expected.output == found.output;
            for (test, reference) in &expected.tests {
                table.count(test, reference, found.tests.get(test), same_output);
            }
        }
        Ok(table)
    }

    fn count(&mut self, test: &str, reference: &TestAnswer, image: Option<&TestAnswer>, same_output: bool) {
        let mut outcome = image.map_or(Outcome::Failed, |image| image.outcome);
        let passes_there = reference.outcome == Outcome::Passed;
        if outcome == Outcome::Passed && passes_there && !same_output {
            outcome = Outcome::Failed;
        }
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Skipped => self.skipped += 1,
        }
        match reference.outcome {
            Outcome::Passed => self.reference_passed += 1,
            Outcome::Failed => self.reference_failed += 1,
            Outcome::Skipped => {}
        }
        if passes_there && outcome != Outcome::Passed {
            let what = if same_output { "" } else { "other output\n" };
            let details = image.map_or("no answer", |image| &image.details);
            self.differences.push(Difference { test: test.to_owned(), details: format!("{what}{details}") });
        }
        self.only_image += usize::from(reference.outcome == Outcome::Failed && outcome == Outcome::Passed);
    }

    /// The tests that differ for no known reason.
    pub fn unexplained(&self, list: &List) -> Vec<String> {
        let unexplained = self.differences.iter().filter(|one| list.explanation(&self.name, &one.test).is_none());
        unexplained.map(|one| one.test.clone()).collect()
    }

    /// The suite's results for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for difference in &self.differences {
            let details = difference.details.replace('\n', "\n      ");
            let _ = writeln!(text, "  {} differs:\n      {details}", difference.test);
        }
        let _ = writeln!(
            text,
            "{}: {} passed, {} failed, {} skipped; {} pass under the reference and not here, {} the other way round",
            self.name,
            self.passed,
            self.failed,
            self.skipped,
            self.differences.len(),
            self.only_image
        );
        text
    }
}

/// The tables of all suites that were ever run, by name.
pub fn tables() -> Result<BTreeMap<String, Table>> {
    match fs::read_to_string(crate::root().join(TABLES)) {
        Ok(text) => serde_json::from_str(&text).context(TABLES),
        Err(_) => Ok(BTreeMap::new()),
    }
}

/// Keeps the tables, and writes the report of them in the order of `suites`.
pub fn write(tables: &BTreeMap<String, Table>, suites: &[Suite], list: &List) -> Result<()> {
    fs::write(crate::root().join(TABLES), serde_json::to_string_pretty(tables)? + "\n").context(TABLES)?;
    let tables: Vec<&Table> = suites.iter().filter_map(|suite| tables.get(suite.name)).collect();
    fs::write(crate::root().join(REPORT), markdown(&tables, list)).context(REPORT)
}

const HEAD: &str = "\
# Other people's tests

Written by `cargo run --release -p xtask -- suites`: programs and test suites that others wrote, built for riscv64 Linux and
linked statically, run under `qemu-riscv64` (the reference) and as images on the built-in machine.

| suite | what | passed | failed | skipped | reference: passed | failed | pass there, not here | explained | commit |
|---|---|---:|---:|---:|---:|---:|---:|---:|---|
";

/// The report.
fn markdown(tables: &[&Table], list: &List) -> String {
    let mut text = HEAD.to_owned();
    for table in tables {
        let why = |difference: &&Difference| list.explanation(&table.name, &difference.test).is_some();
        let explained = table.differences.iter().filter(why).count();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {explained} | {} |",
            table.name,
            table.title,
            table.passed,
            table.failed,
            table.skipped,
            table.reference_passed,
            table.reference_failed,
            table.differences.len(),
            table.state,
        );
    }
    text += "\n\"Failed\" counts tests that fail under the reference, too. What is not run:\n\n";
    for table in tables {
        for (reason, count) in &table.left_out {
            let _ = writeln!(text, "* `{}`: {count} programs: {reason}", table.name);
        }
    }
    text += "\nImages are for the platform `spike`, but for:\n\n";
    for special in tables.iter().flat_map(|table| list.on_platforms(&table.name)) {
        let platform = special.platform.as_deref().unwrap_or_default();
        let _ = writeln!(text, "* `{platform}`: {}: {}", special.why, special.tests());
    }
    text += "\n## Tests that pass under the reference and not as images\n\n";
    let mut by_reason: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for table in tables {
        for difference in &table.differences {
            let why = list.explanation(&table.name, &difference.test).unwrap_or("not explained");
            by_reason.entry((&table.name, why)).or_default().push(&difference.test);
        }
    }
    if by_reason.is_empty() {
        text += "None.\n";
    }
    for ((suite, why), tests) in by_reason {
        let _ = writeln!(
            text,
            "* `{suite}`: {why}: {}",
            tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ")
        );
    }
    text
}
