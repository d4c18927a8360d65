//! The measurements of one binary: its manifest beside what its runs did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::measure::{measure, median};
use super::text;
use crate::corpus::list::Run;
use crate::corpus::observe::Call;
use crate::corpus::observed;

/// The release build of the tool.
pub const TOOL: &str = "target/release/zeroos";
const OBJDUMP: &str = "riscv64-linux-gnu-objdump";

/// How often a command is run that takes less than a second; slower ones run three times, very slow ones once.
const TIMES: usize = 5;

/// One binary.
#[derive(Serialize)]
pub struct Row {
    pub program: String,
    pub flavour: String,
    pub symbols: bool,
    /// Built from a source in this repository: the programs whose ratio is held against a goal.
    pub small: bool,
    pub text_bytes: u64,
    pub observed: Vec<String>,
    pub predicted: Vec<String>,
    pub missed: Vec<String>,
    pub unbounded: Vec<Unbounded>,
    /// See [`text::constants`].
    pub constants: usize,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub objdump_seconds: f64,
    pub peak_bytes: u64,
}

/// A reachable site that can carry any number.
#[derive(Serialize)]
pub struct Unbounded {
    pub address: String,
    pub function: String,
    pub why: String,
}

/// What is needed of `zeroos manifest --format json`.
#[derive(Deserialize)]
struct Manifest {
    app: App,
    syscalls: Vec<Syscall>,
    sites: Vec<Site>,
}

#[derive(Deserialize)]
struct App {
    stripped: bool,
}

#[derive(Deserialize)]
struct Syscall {
    number: u64,
    name: String,
}

#[derive(Deserialize)]
struct Site {
    address: String,
    function: String,
    numbers: Option<Vec<u64>>,
    why: String,
    reachable: bool,
}

impl Row {
    /// Predicted numbers for each observed one; none while some site is unbounded.
    pub fn ratio(&self) -> Option<f64> {
        self.unbounded.is_empty().then(|| self.predicted.len() as f64 / self.observed.len() as f64)
    }

    /// Measures one binary; `runs` take place in `directory`.
    pub fn measure(name: (&str, &str), symbols: bool, binary: &Path, runs: &[Run], directory: &Path) -> Result<Row> {
        let observed = observed::calls(binary, runs, directory)?;
        let arguments = ["manifest", "--format", "json"];
        let tool = crate::root().join(TOOL);
        let analysed = repeated(|keep| measure(&tool, &arguments, binary, keep))?;
        let objdump = repeated(|_| measure(Path::new(OBJDUMP), &["-d"], binary, false))?;
        let manifest: Manifest = serde_json::from_slice(&analysed.output).context("the manifest")?;
        ensure!(manifest.app.stripped != symbols, "the manifest says: stripped = {}", manifest.app.stripped);

        let names: BTreeMap<u64, &str> =
            manifest.syscalls.iter().map(|syscall| (syscall.number, syscall.name.as_str())).collect();
        let predicted: BTreeSet<&str> = names.values().copied().collect();
        let observed: BTreeSet<String> = observed
            .into_iter()
            .map(|call| match call {
                Call::Named(name) => name,
                Call::Number(number) => names.get(&number).map_or(format!("syscall_{number}"), |&name| name.into()),
            })
            // RISC-V has no SA_RESTORER: handlers return into code of the kernel's (the vDSO), not of the program's.
            .filter(|name| name != "rt_sigreturn" || !predicted.contains("rt_sigaction"))
            .collect();
        let missed = observed.iter().filter(|name| !predicted.contains(name.as_str())).cloned().collect();
        let open = manifest.sites.iter().filter(|site| site.reachable && site.numbers.is_none());
        let unbounded = open
            .map(|site| Unbounded {
                address: site.address.clone(),
                function: site.function.clone(),
                why: site.why.clone(),
            })
            .collect();
        Ok(Row {
            program: name.0.to_owned(),
            flavour: name.1.to_owned(),
            symbols,
            small: false,
            text_bytes: text::bytes(binary)?,
            missed,
            unbounded,
            constants: text::constants(binary)?.len(),
            seconds: analysed.wall.as_secs_f64(),
            cpu_seconds: analysed.cpu.as_secs_f64(),
            objdump_seconds: objdump.wall.as_secs_f64(),
            peak_bytes: analysed.peak_bytes,
            predicted: predicted.into_iter().map(str::to_owned).collect(),
            observed: observed.into_iter().collect(),
        })
    }
}

/// The median run of a command, with its output.
pub fn repeated(run: impl Fn(bool) -> Result<super::measure::Cost>) -> Result<super::measure::Cost> {
    let first = run(true)?;
    let times = match first.wall.as_secs_f64() {
        seconds if seconds < 1.0 => TIMES,
        seconds if seconds < 5.0 => 3,
        _ => return Ok(first),
    };
    // The first run warmed the caches and gives the output; measured are others, whose output nobody reads.
    let middle = median(times, || run(false))?;
    Ok(super::measure::Cost { output: first.output, ..middle })
}
