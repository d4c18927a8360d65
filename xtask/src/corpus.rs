//! The programs that the analysis is measured on: `examples/`, and what `corpus/corpus.toml` lists. Third-party programs
//! are fetched by package name into `target/corpus` and never committed.

pub mod fingerprint;
pub mod list;
pub mod observe;
pub mod observed;
pub mod own;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::debian::{self, PrivateArchive, Tool};
use crate::step::Step;
use list::{Fetched, List};

/// Debian's releases that have a riscv64 port, the preferred one first: the mirror's package list of a release can be out
/// of step with its signature for a while, and is then refused.
const SUITES: [&str; 2] = ["trixie", "forky"];

/// `corpus/corpus.toml`.
pub fn list() -> Result<List> {
    list::read(&crate::root()).map_err(|error| anyhow!(error))
}

/// Where a fetched program lies.
pub fn fetched_path(program: &Fetched) -> PathBuf {
    crate::root().join("target/corpus").join(&program.name)
}

/// The package that a fetched program was taken from, with its version.
pub fn origin(program: &Fetched) -> Option<String> {
    fs::read_to_string(fetched_path(program).with_extension("origin")).ok()
}

/// Fetches what is not there yet. An error names everything that could not be had: a registry was not reached or lacks
/// the package.
pub fn fetch() -> Result<()> {
    let corpus = crate::root().join("target/corpus");
    let scratch = corpus.join("fetching");
    let mut archive = None;
    let mut failures = Vec::new();
    for program in list()?.fetched {
        if fetched_path(&program).exists() {
            continue;
        }
        if let Err(error) = fetch_one(&program, &scratch, &mut archive) {
            failures.push(format!("cannot fetch {}: {error:#}", program.name));
        }
    }
    if scratch.exists() {
        fs::remove_dir_all(&scratch)?;
    }
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n")) }
}

fn fetch_one(program: &Fetched, scratch: &Path, archive: &mut Option<PrivateArchive>) -> Result<()> {
    let tree = scratch.join(&program.name);
    fs::create_dir_all(&tree)?;
    let origin = match (&program.debian, &program.npm) {
        (Some(package), None) => {
            println!("fetching {package}:riscv64 from Debian");
            let archive = match archive {
                Some(archive) => archive,
                None => archive.insert(open_archive(scratch)?),
            };
            format!("Debian {package} {}", archive.unpack(package, &tree)?)
        }
        (None, Some(package)) => {
            println!("fetching {package} from npm");
            unpack_npm(package, &tree)?;
            format!("npm {package}")
        }
        _ => bail!("corpus.toml must name either a Debian or an npm package"),
    };
    // Under a merged /usr a path has two forms over time.
    let found = program.paths.iter().map(|path| tree.join(path)).find(|path| path.exists());
    let found = found.with_context(|| format!("the package holds none of {:?}", program.paths))?;
    let path = fetched_path(program);
    fs::write(path.with_extension("origin"), origin)?;
    // A rename is atomic, so a test never sees half a file.
    Ok(fs::rename(found, path)?)
}

fn open_archive(scratch: &Path) -> Result<PrivateArchive> {
    let mut first = None;
    for suite in SUITES {
        match PrivateArchive::open(&scratch.join(suite), suite, "riscv64") {
            Ok(archive) => return Ok(archive),
            Err(error) => {
                eprintln!("note: no package list of Debian {suite}");
                first.get_or_insert(error);
            }
        }
    }
    Err(first.context("SUITES is empty")?)
}

fn unpack_npm(package: &str, into: &Path) -> Result<()> {
    debian::install_missing(&[Tool { program: "npm", package: "npm" }])?;
    let file = Step::new("npm").args(["pack", "--silent", package]).directory(into).output()?;
    let file = file.lines().last().context("npm names no file")?.to_owned();
    Step::new("tar").arg("-xf").arg(into.join(file)).directory(into).output()?;
    Ok(())
}
