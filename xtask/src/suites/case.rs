//! What a suite consists of: programs to run, each with what goes in and how its answers are read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Programs with one origin.
pub struct Suite {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line.
    pub title: &'static str,
    /// Fetches and builds whatever is not there yet, and lists what to run.
    pub prepare: fn() -> anyhow::Result<Prepared>,
}

/// A suite that is ready to run.
#[derive(Default)]
pub struct Prepared {
    /// What to run.
    pub cases: Vec<Case>,
    /// What is left out, with the reason.
    pub left_out: Vec<(String, &'static str)>,
}

/// One program with what goes into it. On both sides it begins in a folder that holds `files` and nothing else.
#[derive(Clone)]
pub struct Case {
    /// Its name within the suite.
    pub name: String,
    /// The static riscv64 program.
    pub program: PathBuf,
    /// What follows the program's name.
    pub arguments: Vec<String>,
    /// `NAME=VALUE`.
    pub environment: Vec<String>,
    /// What it reads from standard input.
    pub input: String,
    /// Files it finds: the path from its first working directory, and where the contents are.
    pub files: Vec<(String, PathBuf)>,
    /// How answers are read.
    pub reading: Reading,
    /// The image ends after so many instructions.
    pub most_instructions: u64,
    /// It takes minutes, under the reference too.
    pub is_long: bool,
    /// Files of the machine that runs it, by their absolute paths, which the image is given: the reference finds them anyway.
    pub system_files: Vec<PathBuf>,
    /// The platform of the image, if it is not the usual one.
    pub platform: Option<String>,
    /// Lines of output with a `…` in the place of what is not compared.
    pub masked: Vec<String>,
    /// The `zeroos` that makes and runs the image.
    pub tool: PathBuf,
}

/// How many instructions a case gets unless it says otherwise.
const MOST_INSTRUCTIONS: u64 = 12_000_000_000;

impl Case {
    /// A case without arguments, input and files.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, reading: Reading) -> Self {
        Case {
            name: name.into(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: String::new(),
            files: Vec::new(),
            reading,
            most_instructions: MOST_INSTRUCTIONS,
            is_long: false,
            system_files: Vec::new(),
            platform: None,
            masked: Vec::new(),
            tool: crate::root().join("target/release/zeroos"),
        }
    }

    /// The same harness, asked for one test.
    pub fn asked_for(&self, test: &str) -> Self {
        let name = format!("{} {test}", self.name);
        Case { name, reading: Reading::Libtest(vec![test.to_owned()]), ..self.clone() }
    }
}

/// How the answers of a case are read.
#[derive(Clone)]
pub enum Reading {
    /// One test: passed if it exits with 0. An image must also print what the reference printed.
    Output,
    /// One test of the POSIX test suite: the exit status is its result.
    PosixStatus,
    /// A harness of Rust's `test` crate: it is asked for these tests.
    Libtest(Vec<String>),
}

/// How one test came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It found nothing wrong.
    Passed,
    /// It found something wrong, or did not come to its end.
    Failed,
    /// It says of itself that it does not apply.
    Skipped,
}

/// One test's outcome on one side.
#[derive(Clone, Serialize, Deserialize)]
pub struct TestAnswer {
    /// How it came out.
    pub outcome: Outcome,
    /// How its process ended and what it said last.
    pub details: String,
}

/// The answers of all tests of a case on one side.
#[derive(Clone, Serialize, Deserialize)]
pub struct CaseAnswers {
    /// What was run on what: with another key the answers are out of date.
    pub key: u64,
    /// By the test's name.
    pub tests: BTreeMap<String, TestAnswer>,
    /// Standard output, for cases whose output is compared.
    pub output: Option<String>,
}
