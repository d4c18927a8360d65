//! `corpus/corpus.toml`: which programs the analysis is measured on, where they come from, and the runs that show which
//! calls they really make. Read by `xtask` and by `zeroos-cli/tests/analysis_soundness.rs`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The whole list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Programs built here, besides those of `examples/`.
    #[serde(default)]
    pub own: Vec<Own>,
    /// Runs of programs of `examples/`, besides those of their `example.toml`.
    #[serde(default)]
    pub example: Vec<MoreRuns>,
    /// Programs that others built.
    #[serde(default)]
    pub fetched: Vec<Fetched>,
}

/// A program whose source is in this repository.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// Its name in tables.
    pub name: String,
    /// The folder of its source, from the repository's root.
    pub source: PathBuf,
    /// `glibc` or `go`.
    pub toolchain: String,
    /// What it is run with.
    pub run: Vec<Run>,
}

/// More runs of an example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoreRuns {
    /// The folder's name below `examples/`.
    pub name: String,
    /// What it is run with.
    pub run: Vec<Run>,
}

/// A program that a package registry has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// Its name in tables, and its file's in `target/corpus`.
    pub name: String,
    /// The package in Debian's archive for riscv64.
    pub debian: Option<String>,
    /// The package in npm's registry, with its version.
    pub npm: Option<String>,
    /// Where the program may lie in the unpacked package.
    pub paths: Vec<PathBuf>,
    /// What it is run with.
    pub run: Vec<Run>,
}

/// One run, or several. Those of one program follow each other in a folder that is empty at first.
#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What follows the program's name.
    #[serde(default)]
    pub args: Vec<String>,
    /// Instead of `args`: command lines without quoting, each a run.
    #[serde(default)]
    pub each: Vec<String>,
    /// The text given as standard input.
    #[serde(default)]
    pub stdin: String,
    /// How often: what threads do differs from run to run.
    #[serde(default = "once")]
    pub times: u32,
}

impl Run {
    /// The arguments of every single run that this stands for.
    pub fn argument_lists(&self) -> Vec<Vec<String>> {
        let once = match self.each.as_slice() {
            [] => vec![self.args.clone()],
            lines => lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect(),
        };
        (0..self.times).flat_map(|_| once.clone()).collect()
    }
}

fn once() -> u32 {
    1
}

/// Reads the list below the repository's root.
pub fn read(root: &Path) -> Result<List, String> {
    let path = root.join("corpus/corpus.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
