//! `corpus/suites.toml`: tests that run otherwise than the others of their suite, and differences that are explained.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::case::{Case, Reading};

/// The list, from the repository's root.
const PATH: &str = "corpus/suites.toml";

/// `corpus/suites.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Tests that run otherwise; where several name a test, what each says counts.
    #[serde(default)]
    run: Vec<Special>,
    /// Tests that pass under the reference and not as images.
    #[serde(default)]
    difference: Vec<Explanation>,
}

/// How tests run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Special {
    suite: String,
    tests: Vec<String>,
    /// The image ends after so many instructions; the reference gets as much time as that may take.
    most_instructions: Option<u64>,
    /// Files of the machine that runs the suites, by their absolute paths, which the image is given.
    #[serde(default)]
    system_files: Vec<PathBuf>,
    /// The image is one for this platform, still on the built-in machine.
    pub platform: Option<String>,
    /// Lines of output with a `…` in the place of what is not compared.
    #[serde(default)]
    masked: Vec<String>,
    /// The reason, for people.
    pub why: String,
}

/// Why tests come out otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    suite: String,
    tests: Vec<String>,
    why: String,
}

/// Whether a list of names has `test`; one that ends in `*` stands for all that begin so.
fn names(list: &[String], test: &str) -> bool {
    list.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => test.starts_with(start),
        None => test == name,
    })
}

impl List {
    /// Reads the list.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(crate::root().join(PATH)).context(PATH)?;
        toml::from_str(&text).context(PATH)
    }

    /// Why `test` differs, if that is known.
    pub fn explanation(&self, suite: &str, test: &str) -> Option<&str> {
        let found = self.difference.iter().find(|known| known.suite == suite && names(&known.tests, test));
        found.map(|known| known.why.as_str())
    }

    /// Runs on platforms other than the usual one.
    pub fn on_platforms<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Special> {
        self.run.iter().filter(move |special| special.suite == suite && special.platform.is_some())
    }

    /// `cases` with what is told of their tests. A harness's test that runs otherwise becomes a case of its own, at the end: most
    /// of these take long.
    pub fn applied(&self, suite: &str, cases: Vec<Case>) -> Vec<Case> {
        let (mut applied, mut alone) = (Vec::new(), Vec::new());
        for mut case in cases {
            if let Reading::Libtest(tests) = &mut case.reading {
                let apart: Vec<String> =
                    tests.extract_if(.., |test| self.special(suite, test).next().is_some()).collect();
                for test in apart {
                    let mut case = case.asked_for(&test);
                    self.tell(suite, &test, &mut case);
                    alone.push(case);
                }
            } else {
                let test = case.name.clone();
                self.tell(suite, &test, &mut case);
            }
            applied.push(case);
        }
        applied.append(&mut alone);
        applied
    }

    fn special<'a>(&'a self, suite: &'a str, test: &'a str) -> impl Iterator<Item = &'a Special> {
        self.run.iter().filter(move |special| special.suite == suite && names(&special.tests, test))
    }

    fn tell(&self, suite: &str, test: &str, case: &mut Case) {
        for special in self.special(suite, test) {
            if let Some(most) = special.most_instructions {
                (case.most_instructions, case.is_long) = (most, true);
            }
            case.platform = special.platform.clone().or(case.platform.take());
            case.system_files.extend_from_slice(&special.system_files);
            case.masked.extend_from_slice(&special.masked);
        }
    }
}

impl Special {
    /// The tests' names.
    pub fn tests(&self) -> String {
        self.tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[run]]
        suite = "s"
        tests = ["long", "slow*"]
        most_instructions = 7
        why = "they are long"
        [[run]]
        suite = "s"
        tests = ["slow-a"]
        platform = "p"
        why = "it needs p"
        [[difference]]
        suite = "s"
        tests = ["a*"]
        why = "so"
    "#;

    #[test]
    fn what_is_told_of_a_test_counts_for_it_alone() {
        let list: List = toml::from_str(TEXT).expect("a list");
        let harness = Reading::Libtest(["a", "long", "slow-a", "slow-b"].map(str::to_owned).to_vec());
        let cases = list.applied("s", vec![Case::new("harness", "program", harness)]);
        let told: Vec<_> = cases.iter().map(|case| (case.most_instructions, case.platform.as_deref())).collect();
        assert_eq!(told[1..], [(7, None), (7, Some("p")), (7, None)]);
        assert!(matches!(&cases[0].reading, Reading::Libtest(tests) if tests == &["a"]) && told[0].0 > 7);
        let single = list.applied("other", vec![Case::new("long", "program", Reading::Output)]);
        assert!(single[0].most_instructions > 7);
    }

    #[test]
    fn a_difference_is_explained_by_suite_and_name() {
        let list: List = toml::from_str(TEXT).expect("a list");
        assert_eq!(list.explanation("s", "abc"), Some("so"));
        assert_eq!((list.explanation("t", "abc"), list.explanation("s", "b")), (None, None));
    }

    #[test]
    fn the_list_can_be_read() {
        List::read().expect("a list");
    }
}
