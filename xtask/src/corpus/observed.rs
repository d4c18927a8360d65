//! Which calls all runs of a program make, kept below `target/corpus/observed` by all that the runs depend on: an unchanged
//! program is not run again. What threads do differs from run to run; who removes that folder sees other runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};

use super::fingerprint::Fingerprint;
use super::list::Run;
use super::observe::{self, Call};
use crate::step::Step;

/// The calls that `binary` makes in `runs`, which take place in `directory`.
pub fn calls(binary: &Path, runs: &[Run], directory: &Path) -> Result<BTreeSet<Call>> {
    let folder = crate::root().join("target/corpus/observed");
    fs::create_dir_all(&folder)?;
    let kept = folder.join(format!("{:016x}", key(binary, runs, directory)?));
    if let Ok(text) = fs::read_to_string(&kept) {
        return Ok(text.lines().map(call).collect());
    }
    let mut observed = BTreeSet::new();
    for run in runs {
        for arguments in run.argument_lists() {
            let calls = observe::calls(binary, &arguments, run.stdin.as_bytes(), directory);
            observed.extend(calls.map_err(|error| anyhow!(error))?);
        }
    }
    // A rename is atomic: what is kept is whole.
    let new = kept.with_extension("new");
    fs::write(&new, observed.iter().map(line).collect::<String>())?;
    fs::rename(&new, &kept).with_context(|| kept.display().to_string())?;
    Ok(observed)
}

/// What the calls depend on: the program, its runs and the files that it finds, the emulator and how its log is read.
fn key(binary: &Path, runs: &[Run], directory: &Path) -> Result<u64> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.add_file(binary)?;
    fingerprint.add_folder(directory)?;
    for run in runs {
        fingerprint.add((&run.args, &run.each, &run.stdin, run.times));
    }
    fingerprint.add(Step::new("qemu-riscv64").arg("--version").output()?);
    fingerprint.add(include_str!("observe.rs"));
    Ok(fingerprint.number())
}

fn line(call: &Call) -> String {
    match call {
        Call::Named(name) => format!("{name}\n"),
        Call::Number(number) => format!("{number}\n"),
    }
}

fn call(line: &str) -> Call {
    line.parse().map_or_else(|_| Call::Named(line.to_owned()), Call::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        for kept in [Call::Named("futex".to_owned()), Call::Number(258)] {
            assert_eq!(call(line(&kept).trim()), kept);
        }
    }
}
