//! What came out: a table by suite, every difference to the reference, and the report `docs/suites.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::case::{CaseAnswers, Outcome, Suite, TestAnswer};

/// The report, from the repository's root.
const REPORT: &str = "docs/suites.md";
/// The differences that are explained, from the repository's root.
const EXPLAINED: &str = "corpus/suites.toml";

/// `corpus/suites.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explained {
    #[serde(default)]
    difference: Vec<Explanation>,
}

/// Why tests come out otherwise.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    /// The suite's name.
    suite: String,
    /// The tests' names; one that ends in `*` stands for all that begin so.
    tests: Vec<String>,
    /// The reason, for people.
    why: String,
}

impl Explanation {
    fn covers(&self, suite: &str, test: &str) -> bool {
        let named = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => test.starts_with(start),
            None => test == pattern,
        };
        self.suite == suite && self.tests.iter().any(named)
    }
}

/// A test that passes under the reference and not as an image.
#[derive(Serialize, Deserialize)]
pub struct Difference {
    test: String,
    details: String,
    why: Option<String>,
}

/// One suite's results.
#[derive(Serialize, Deserialize)]
pub struct Table {
    name: String,
    title: String,
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
    ) -> Self {
        let mut table = Table {
            name: suite.name.to_owned(),
            title: suite.title.to_owned(),
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
        table
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
            self.differences.push(Difference { test: test.to_owned(), details: format!("{what}{details}"), why: None });
        }
        self.only_image += usize::from(reference.outcome == Outcome::Failed && outcome == Outcome::Passed);
    }

    /// Looks the differences up in the explained ones.
    fn explain(&mut self, explained: &[Explanation]) {
        for difference in &mut self.differences {
            let explanation = explained.iter().find(|explanation| explanation.covers(&self.name, &difference.test));
            difference.why = explanation.map(|explanation| explanation.why.clone());
        }
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

/// Writes the report of all suites that were ever run.
pub fn write(tables: &mut [Table]) -> Result<()> {
    let text = fs::read_to_string(crate::root().join(EXPLAINED)).context(EXPLAINED)?;
    let explained: Explained = toml::from_str(&text).context(EXPLAINED)?;
    for table in tables.iter_mut() {
        table.explain(&explained.difference);
    }
    fs::write(crate::root().join(REPORT), markdown(tables)).context(REPORT)
}

const HEAD: &str = "\
# Other people's tests

Written by `cargo run --release -p xtask -- suites`: programs and test suites that others wrote, built for riscv64 Linux and
linked statically, run under `qemu-riscv64` (the reference) and as images on the built-in machine.

| suite | what | passed | failed | skipped | reference: passed | failed | pass there, not here | explained |
|---|---|---:|---:|---:|---:|---:|---:|---:|
";

/// The report.
fn markdown(tables: &[Table]) -> String {
    let mut text = HEAD.to_owned();
    for table in tables {
        let explained = table.differences.iter().filter(|difference| difference.why.is_some()).count();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {explained} |",
            table.name,
            table.title,
            table.passed,
            table.failed,
            table.skipped,
            table.reference_passed,
            table.reference_failed,
            table.differences.len(),
        );
    }
    text += "\n\"Failed\" counts tests that fail under the reference, too. What is not run:\n\n";
    for table in tables {
        for (reason, count) in &table.left_out {
            let _ = writeln!(text, "* `{}`: {count} programs: {reason}", table.name);
        }
    }
    text += "\n## Tests that pass under the reference and not as images\n\n";
    let mut by_reason: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for table in tables {
        for difference in &table.differences {
            let why = difference.why.as_deref().unwrap_or("not explained");
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
