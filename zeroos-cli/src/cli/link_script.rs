//! `zeroos link-script`: how to link a program for machines that keep code and data apart.

use std::process::ExitCode;

use super::{CommandResult, say};
use crate::assets;

#[derive(clap::Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: &Arguments) -> CommandResult {
    say::data(assets::template("apart.ld"))?;
    Ok(ExitCode::SUCCESS)
}
