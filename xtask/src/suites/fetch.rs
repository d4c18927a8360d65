//! Fetches the sources of suites by package name into `target/suites/source`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::debian::PrivateArchive;

/// The Debian release whose source packages are used.
const SUITE: &str = "trixie";

/// The folder with everything that suites fetch, build and find.
pub fn folder() -> PathBuf {
    crate::root().join("target/suites")
}

/// The unpacked upstream source of a Debian source package.
pub fn debian_source(package: &str) -> Result<PathBuf> {
    let source = folder().join("source").join(package);
    if source.exists() {
        return Ok(source);
    }
    println!("fetching the source of {package} from Debian {SUITE}");
    let unpacking = folder().join("source/unpacking");
    if unpacking.exists() {
        fs::remove_dir_all(&unpacking)?;
    }
    PrivateArchive::open(&folder().join("debian"), SUITE, "amd64")?
        .unpack_source(package, &unpacking)
        .with_context(|| format!("cannot fetch the source of {package}"))?;
    fs::rename(&unpacking, &source)?;
    Ok(source)
}
