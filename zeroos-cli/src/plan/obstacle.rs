//! What stands between a program and a platform: each obstacle with its own text and its own way out, so that one error can
//! tell them all.

use std::fmt;

use super::PlanError;
use crate::analysis::Mention;
use crate::diagnostic::Diagnose;

/// One thing that keeps a program from a platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// What was found, without a full stop.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Obstacle {
    /// `what`, and what to do about it.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Obstacle {
        Obstacle { what: what.into(), help: help.into() }
    }
}

/// An error of another part of the plan, as one obstacle among others.
impl From<PlanError> for Vec<Obstacle> {
    fn from(error: PlanError) -> Vec<Obstacle> {
        match error {
            PlanError::Obstacles { obstacles, .. } => obstacles,
            other => vec![Obstacle::new(other.to_string(), other.help())],
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// All obstacles: in one line if it is one, else one a line.
pub(super) fn list(obstacles: &[Obstacle]) -> String {
    match obstacles {
        [one] => format!(" {one}"),
        several => several.iter().map(|one| format!("\n  - {one}")).collect(),
    }
}

/// The way out of all obstacles, each once.
pub(super) fn help(obstacles: &[Obstacle]) -> String {
    let mut ways: Vec<&str> = Vec::new();
    for obstacle in obstacles {
        if !ways.contains(&obstacle.help.as_str()) {
            ways.push(&obstacle.help);
        }
    }
    ways.join("\n        ")
}

/// `count` of `things`, which is a plural in `s`.
pub(super) fn count(count: usize, things: &str) -> String {
    let things = if count == 1 { things.strip_suffix('s').unwrap_or(things) } else { things };
    format!("{count} {things}")
}

/// `count` places, the first of them by name.
pub(super) fn places(count: usize, first: &[Mention]) -> String {
    let named: Vec<String> = first
        .iter()
        .take(3)
        .map(|place| format!("`{}` at {} in {}", place.instruction, place.address, place.function_name))
        .collect();
    let dots = if count > named.len() { ", …" } else { "" };
    format!("{}{dots}", named.join(", "))
}
