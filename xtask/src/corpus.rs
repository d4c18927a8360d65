//! Third-party programs that tests run but nobody commits: fetched by package name into `target/corpus`.

use std::fs;

use anyhow::{Context, Result};

use crate::debian::PrivateArchive;

/// Debian's release that has a riscv64 port.
const SUITE: &str = "trixie";

/// Fetches what is not there yet. An error means that the registry could not be reached or lacks the package.
pub fn fetch() -> Result<()> {
    let corpus = crate::root().join("target/corpus");
    let busybox = corpus.join("busybox");
    if busybox.exists() {
        return Ok(());
    }
    println!("fetching busybox-static:riscv64 from Debian {SUITE}");
    let scratch = corpus.join("fetching");
    fetch_busybox(&scratch, &busybox).context("cannot fetch busybox-static:riscv64 from Debian")?;
    fs::remove_dir_all(&scratch)?;
    Ok(())
}

fn fetch_busybox(scratch: &std::path::Path, busybox: &std::path::Path) -> Result<()> {
    let archive = PrivateArchive::open(scratch, SUITE, "riscv64")?;
    let tree = scratch.join("tree");
    archive.unpack("busybox-static", &tree)?;
    // Under a merged /usr both names exist over time; a rename is atomic, so a test never sees half a file.
    let unpacked = ["usr/bin/busybox", "bin/busybox"].map(|path| tree.join(path));
    let unpacked = unpacked.iter().find(|path| path.exists()).context("the package holds no busybox")?;
    Ok(fs::rename(unpacked, busybox)?)
}
