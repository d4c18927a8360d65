//! Programs that use large libraries as their users do: those of `examples/`, with more work than in the ordinary tests.

use anyhow::Result;

use super::case::{Case, Prepared, Reading, Suite};

/// The suite.
pub const SUITE: Suite = Suite {
    name: "programs",
    title: "`examples/sqlite-rust` with 10,000 rows (SQLite through `libsqlite3-sys`), `examples/tokio-rust` (tokio, rayon)",
    prepare,
};

fn prepare() -> Result<Prepared> {
    let program = |name: &str| crate::root().join("examples").join(name).join("bin/gc-exec");
    let mut sqlite = Case::new("sqlite-rust", program("sqlite-rust"), Reading::Output);
    sqlite.arguments.push("10000".to_owned());
    let tokio = Case::new("tokio-rust", program("tokio-rust"), Reading::Output);
    Ok(Prepared { cases: vec![sqlite, tokio], left_out: Vec::new() })
}
