//! Runs a harness of Rust's `test` crate test by test, so that one that ends the process or hangs costs only itself.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::case::{Outcome, TestAnswer};
use super::execute::Run;

/// How many tests one process is asked for: each is an image of its own.
const TESTS_A_RUN: usize = 150;

/// Asks for `names`, by `run` with the arguments that it is given.
pub fn execute(names: &[String], run: impl Fn(&[String]) -> Result<Run>) -> Result<BTreeMap<String, TestAnswer>> {
    let mut answers = BTreeMap::new();
    for batch in names.chunks(TESTS_A_RUN) {
        let mut left = batch.to_vec();
        while !left.is_empty() {
            // One thread: tests run one after the other, on the main thread, in the order of their names.
            let mut arguments =
                ["-Zunstable-options", "--format=json", "--test-threads=1", "--exact"].map(str::to_owned).to_vec();
            arguments.extend_from_slice(&left);
            let run = run(&arguments)?;
            let found = results(&run.output);
            let before = answers.len();
            answers.extend(found.finished);
            // What ended a run with others before it gets one more chance, as the first: it may be that all of them
            // together took too many instructions.
            let is_first = before == answers.len();
            if let Some(name) = found.unfinished.filter(|_| is_first) {
                answers.insert(name, TestAnswer { outcome: Outcome::Failed, details: run.details.clone() });
            }
            if answers.len() == before {
                // Not even one more: the harness itself does not work.
                for name in &left {
                    let details = format!("not run: {}", run.details);
                    answers.insert(name.clone(), TestAnswer { outcome: Outcome::Failed, details });
                }
            }
            left.retain(|name| !answers.contains_key(name));
        }
    }
    Ok(answers)
}

/// What the output of one process tells.
struct Results {
    finished: BTreeMap<String, TestAnswer>,
    /// The test that was started and did not end.
    unfinished: Option<String>,
}

/// Reads the harness's JSON lines (`--format=json`); whatever tests print besides is passed over.
fn results(output: &str) -> Results {
    let mut results = Results { finished: BTreeMap::new(), unfinished: None };
    for line in output.lines() {
        let Some(start) = line.find("{ \"type\": \"test\"") else { continue };
        let Ok(event) = serde_json::from_str::<Value>(&line[start..]) else { continue };
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let outcome = match event["event"].as_str() {
            Some("started") => {
                results.unfinished = Some(text("name"));
                continue;
            }
            Some("ok") => Outcome::Passed,
            Some("ignored") => Outcome::Skipped,
            // A test that takes long is told and goes on.
            Some("timeout") => continue,
            _ => Outcome::Failed,
        };
        results.unfinished = None;
        results.finished.insert(text("name"), TestAnswer { outcome, details: text("stdout").trim().to_owned() });
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_did_not_end_are_seen() {
        let results = results(
            "{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": 2 }\n\
             { \"type\": \"test\", \"event\": \"started\", \"name\": \"a\" }\n\
             printed{ \"type\": \"test\", \"name\": \"a\", \"event\": \"ok\" }\n\
             { \"type\": \"test\", \"event\": \"started\", \"name\": \"b\" }\n",
        );
        assert_eq!(results.finished["a"].outcome, Outcome::Passed);
        assert_eq!(results.unfinished.as_deref(), Some("b"));
    }
}
