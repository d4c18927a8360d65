//! zlib's own tests: `example`, `minigzip` and `infcover` from Debian's `zlib`.

use std::fs;

use anyhow::Result;

use super::case::{Case, Prepared, Reading, Suite};
use super::{fetch, musl};
use crate::cross::Toolchain;

/// The suite.
pub const SUITE: Suite = Suite {
    name: "zlib",
    title: "zlib (Debian's `zlib`) on musl: its tests `example` and `infcover`, and files packed and unpacked by `minigzip`",
    prepare,
};

fn prepare() -> Result<Prepared> {
    let toolchain = Toolchain::install()?;
    let source = fetch::debian_source("zlib")?;
    let build = fetch::folder().join("build/zlib");
    fs::create_dir_all(&build)?;
    let library = musl::c_files(&source, &[])?;
    let options = ["-DZ_HAVE_UNISTD_H".to_owned(), "-D_LARGEFILE64_SOURCE=1".into(), format!("-I{}", source.display())];
    let mut prepared = Prepared::default();
    for test in ["example", "infcover", "minigzip"] {
        let mut sources = vec![source.join("test").join(test).with_extension("c")];
        sources.extend(library.iter().cloned());
        let program = build.join(test);
        musl::program(&toolchain, &program, &options, &sources)?;
        if test != "minigzip" {
            prepared.cases.push(Case::new(test, &program, Reading::Output));
            continue;
        }
        // What it packs goes to standard output, or takes the file's place.
        let text = source.join("ChangeLog");
        for (name, arguments) in [("minigzip -c", &["-c", "text"][..]), ("minigzip -9", &["-9", "text"])] {
            let mut case = Case::new(name, &program, Reading::Output);
            case.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            case.files.push(("text".to_owned(), text.clone()));
            prepared.cases.push(case);
        }
    }
    Ok(prepared)
}
