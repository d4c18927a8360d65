//! The corpus's programs that are built from source: every example, and those in `corpus/corpus.toml`, in every flavour
//! that its toolchain can make, with symbols and stripped.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::fingerprint::Fingerprint;
use super::list::{List, Run};
use crate::compile::{Recipe, Variant, file_name, subdirectories};
use crate::cross::Toolchain;
use crate::step::Step;

/// A program to build and to run.
pub struct Program {
    /// Its name in tables.
    pub name: String,
    /// How it is built.
    recipe: Recipe,
    /// Its flavours, as file names without `-symbols`.
    pub flavours: Vec<String>,
    /// What it is run with.
    pub runs: Vec<Run>,
    /// The folder to run it in, if its arguments name files there.
    pub directory: Option<PathBuf>,
}

/// All own programs, by name.
pub fn programs(list: &List) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for directory in subdirectories(&crate::root().join("examples"))? {
        programs.push(example(&directory, list)?);
    }
    for own in &list.own {
        let libc = match own.toolchain.as_str() {
            "glibc" => Some("glibc".to_owned()),
            "go" => None,
            other => bail!("corpus.toml: {}: an unknown toolchain: {other}", own.name),
        };
        programs.push(Program {
            name: own.name.clone(),
            recipe: Recipe { directory: crate::root().join(&own.source), libc, flags: Vec::new() },
            flavours: vec!["gc-exec".to_owned()],
            runs: own.run.clone(),
            directory: None,
        });
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

/// An example: its flavours are those of its prebuilt binaries, its runs those of its `example.toml` and one without
/// arguments.
fn example(directory: &Path, list: &List) -> Result<Program> {
    let name = file_name(directory)?;
    let mut flavours = Vec::new();
    for entry in fs::read_dir(directory.join("bin")).with_context(|| format!("{name}/bin"))? {
        flavours.push(file_name(&entry?.path())?.trim_end_matches("-symbols").to_owned());
    }
    flavours.sort();
    flavours.dedup();
    let mut runs = vec![Run { times: 1, stdin: "some input\n".to_owned(), ..Run::default() }];
    let description = fs::read_to_string(directory.join("example.toml"))?.parse::<toml::Table>()?;
    for run in description.get("run").and_then(|runs| runs.as_array()).into_iter().flatten() {
        let words = run.get("args").and_then(|args| args.as_array()).into_iter().flatten();
        let stdin = match run.get("stdin").and_then(|stdin| stdin.as_str()) {
            Some(path) => fs::read_to_string(directory.join(path))?,
            None => String::new(),
        };
        let args = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
        runs.push(Run { args, stdin, times: 3, ..Run::default() });
    }
    runs.extend(list.example.iter().filter(|more| more.name == name).flat_map(|more| more.run.clone()));
    let recipe = Recipe::of_example(directory)?;
    Ok(Program { name, recipe, flavours, runs, directory: Some(directory.to_path_buf()) })
}

impl Program {
    /// The binary of a flavour, built unless it was before from the same sources in the same way.
    pub fn binary(&self, toolchain: &Toolchain, flavour: &str, symbols: bool) -> Result<PathBuf> {
        let folder = crate::root().join("target/corpus/own").join(&self.name);
        let path = |symbols| folder.join(format!("{flavour}{}", if symbols { "-symbols" } else { "" }));
        let binary = path(symbols);
        let fingerprint = self.fingerprint(flavour)?;
        if fingerprint.is_of(&binary) {
            return Ok(binary);
        }
        fs::create_dir_all(&folder)?;
        let mut variant = Variant::parse(flavour).with_context(|| flavour.to_owned())?;
        variant.symbols = symbols;
        if symbols || self.is_go() {
            self.recipe.make(toolchain, &variant, &binary).with_context(|| format!("{} {flavour}", self.name))?;
        } else {
            // The very same code: what differs then is the analysis.
            let unstripped = self.binary(toolchain, flavour, true)?;
            Step::new("riscv64-linux-gnu-strip").arg(unstripped).arg("-o").arg(&binary).quiet().run()?;
        }
        fingerprint.made(&binary)?;
        Ok(binary)
    }

    /// What a binary depends on.
    fn fingerprint(&self, flavour: &str) -> Result<Fingerprint> {
        let mut fingerprint = Fingerprint::default();
        fingerprint.add_folder(&self.recipe.directory)?;
        fingerprint.add((flavour, &self.recipe.libc, &self.recipe.flags));
        fingerprint.add_compilers()?;
        Ok(fingerprint)
    }

    fn is_go(&self) -> bool {
        self.recipe.directory.join("main.go").exists()
    }
}
