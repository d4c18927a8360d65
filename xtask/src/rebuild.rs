//! Rebuilds the prebuilt binaries of `examples/` from their sources. A binary's name says how it is made.

use std::fs;

use anyhow::{Context, Result};

use crate::compile::{Recipe, Variant, file_name, subdirectories};
use crate::cross::Toolchain;

/// Rebuilds every file in `bin/` of the named examples, or of all of them.
pub fn rebuild_examples(names: &[&str]) -> Result<()> {
    let examples = crate::root().join("examples");
    let directories = match names {
        [] => subdirectories(&examples)?,
        names => names.iter().map(|name| examples.join(name)).collect(),
    };
    let toolchain = Toolchain::install()?;
    for directory in directories {
        let program = file_name(&directory)?;
        let recipe = Recipe::of_example(&directory)?;
        for entry in fs::read_dir(directory.join("bin")).with_context(|| format!("{program}/bin"))? {
            let binary = entry?.path();
            let name = file_name(&binary)?;
            let variant = Variant::parse(&name)
                .with_context(|| format!("{program}/bin/{name}: the name does not say how to build it"))?;
            recipe.make(&toolchain, &variant, &binary).with_context(|| format!("{program}/bin/{name}"))?;
        }
    }
    Ok(())
}
