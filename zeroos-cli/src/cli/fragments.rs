//! `zeroos fragments`: the calls that the library provides.

use std::process::ExitCode;

use super::{CommandResult, say};
use crate::catalog::Catalog;

#[derive(clap::Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: &Arguments) -> CommandResult {
    let catalog = Catalog::embedded()?;
    let mut rows: Vec<_> =
        catalog.fragments().filter_map(|fragment| Some((fragment.handler.as_ref()?, fragment))).collect();
    rows.sort_by_key(|(handler, fragment)| (handler.number, handler.variant, &fragment.module));
    for (handler, fragment) in rows {
        let variant = handler.variant.map_or_else(|| "general".to_owned(), |variant| variant.to_string());
        say::data(&format!("{:>4} {:<20} {variant:<14} {}\n", handler.number.0, handler.number, fragment.path()))?;
    }
    Ok(ExitCode::SUCCESS)
}
