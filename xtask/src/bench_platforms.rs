//! `bench-platforms`: the examples on every platform that can hold them: exact instruction counts on the built-in machine, and
//! whether each prints what it should, there and on the real machines (`--engines`). Writes `docs/platform-results.md`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::engines;
use crate::step::Step;

const ZEROOS: &str = "target/release/zeroos";
/// Characters of a message that are shown.
const NOTE: usize = 240;
const RESULTS: &str = "docs/platform-results.md";

/// The platforms in the order of the columns, with the binary that fits, and the engine of the real machine.
const PLATFORMS: [(&str, &str, Option<&str>); 7] = [
    ("spike", "ima-pie", None),
    ("qemu-virt", "ima-pie", Some("qemu")),
    ("zkvm-standard", "ima-pie", None),
    ("jolt", "imac-pie", None),
    ("ckb-vm", "imac-exec", Some("runner")),
    ("zisk", "ima-pie", Some("runner")),
    ("sp1", "ima-pie", Some("runner")),
];

/// Programs of `examples/`.
const PROGRAMS: [&str; 12] = [
    "hello-minimal-c",
    "hello-c",
    "compute-c",
    "threads-c",
    "signals-c",
    "hello-rust",
    "std-rust",
    "digest-rust",
    "words-rust",
    "rayon-rust",
    "recover-rust",
    "evm-rust",
];

/// What `example.toml` says of a run.
#[derive(Deserialize)]
struct Example {
    run: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    stdin: Option<PathBuf>,
    stdout: PathBuf,
    #[serde(default)]
    exit_status: i32,
    public_output: Option<PathBuf>,
}

/// What a run came to.
enum Cell {
    /// Everything as expected, with so many instructions where the engine counts.
    Same(Option<u64>),
    /// There is no binary of the kind that fits.
    NoBinary,
    /// It is refused or fails: the first line of why.
    Refused(String),
    /// It ran, and said something else.
    Different(String),
}

/// Runs everything; with `engines` on the real machines, too.
pub fn bench_platforms(arguments: &[&str]) -> Result<()> {
    let path = match arguments {
        [] => None,
        ["--engines"] => Some(engines::build()?),
        other => bail!("unknown arguments {other:?}; expected nothing or --engines"),
    };
    Step::new("cargo").args(["build", "--release", "--quiet", "--package", "zeroos-cli"]).run()?;
    let mut results = Results::default();
    for program in PROGRAMS {
        let directory = crate::root().join("examples").join(program);
        let text = fs::read_to_string(directory.join("example.toml")).with_context(|| program.to_owned())?;
        let example: Example = toml::from_str(&text).with_context(|| program.to_owned())?;
        let run = example.run.first().with_context(|| format!("{program}: no run"))?;
        for (platform, binary, real) in PLATFORMS {
            let cell = cell(&directory, run, platform, binary, "builtin", None)?;
            results.counts.insert((program, platform), cell);
            if let (Some(engine), Some(path)) = (real, &path) {
                let cell = self::cell(&directory, run, platform, binary, engine, Some(path))?;
                results.real.insert((program, platform), cell);
            }
        }
        eprintln!("{program}");
    }
    let text = results.text(path.is_some())?;
    println!("{text}");
    if path.is_some() {
        fs::write(crate::root().join(RESULTS), &text).with_context(|| RESULTS.to_owned())?;
        println!("Written to {RESULTS}.");
    }
    match results.different() {
        0 => Ok(()),
        count => bail!("{count} runs said something else than expected"),
    }
}

/// Runs one program on one platform; engines are looked up in `path`.
fn cell(directory: &Path, run: &Run, platform: &str, binary: &str, engine: &str, path: Option<&OsStr>) -> Result<Cell> {
    let program = directory.join("bin").join(binary);
    if !program.exists() {
        return Ok(Cell::NoBinary);
    }
    let folder = crate::root().join("target/bench/platforms");
    fs::create_dir_all(&folder)?;
    let (stats, public) = (folder.join("stats.json"), folder.join("public"));
    let mut command = Command::new(crate::root().join(ZEROOS));
    command.current_dir(directory).args(["run", "--platform", platform, "--engine", engine]);
    if engine == "builtin" {
        command.arg("--stats").arg(&stats);
    }
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let has_public_output = platform != "qemu-virt";
    if has_public_output {
        command.arg("--public-output").arg(&public);
    }
    for file in &run.files {
        command.args(["--file", file]);
    }
    command.stdin(match &run.stdin {
        Some(path) => Stdio::from(fs::File::open(directory.join(path))?),
        None => Stdio::null(),
    });
    let finished = command.arg("--").arg(&program).args(&run.args).output()?;
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    let first_error = said.lines().find(|line| line.contains("error")).unwrap_or_default().to_owned();
    if finished.status.code() != Some(run.exit_status) {
        let why = if first_error.is_empty() { said } else { first_error };
        return Ok(Cell::Refused(format!("status {:?}: {why}", finished.status.code())));
    }
    let mut expected = fs::read(directory.join(&run.stdout))?;
    let expected_public = run.public_output.as_ref().map(|path| fs::read(directory.join(path))).transpose()?;
    let expected_public = expected_public.unwrap_or_default();
    if has_public_output {
        let found = fs::read(&public)?;
        if found != expected_public {
            return Ok(Cell::Different(format!("public output {:?}", String::from_utf8_lossy(&found))));
        }
    } else {
        expected.extend(expected_public);
    }
    if finished.stdout != expected {
        return Ok(Cell::Different(String::from_utf8_lossy(&finished.stdout).into_owned()));
    }
    if engine != "builtin" {
        return Ok(Cell::Same(None));
    }
    let stats: serde_json::Value = serde_json::from_slice(&fs::read(&stats)?)?;
    Ok(Cell::Same(stats["instructions"]["total"].as_u64()))
}

/// All runs, by program and platform.
#[derive(Default)]
struct Results {
    counts: BTreeMap<(&'static str, &'static str), Cell>,
    real: BTreeMap<(&'static str, &'static str), Cell>,
}

impl Results {
    fn different(&self) -> usize {
        let all = self.counts.values().chain(self.real.values());
        all.filter(|cell| matches!(cell, Cell::Different(_))).count()
    }

    /// The table, and what is behind each cell without a number.
    fn text(&self, engines: bool) -> Result<String> {
        let mut text = String::from(
            "# The examples on every platform\n\n\
             Written by `cargo run --release -p xtask -- engines`. Instructions of the whole run on the built-in\n\
             machine with the platform's instruction set, memory and host; console and public output are what they should be.\n\
             `=` behind a number: the real machine was run too, with the same output and status.\n\n",
        );
        write!(text, "| program |")?;
        PLATFORMS.iter().try_for_each(|(platform, binary, _)| write!(text, " `{platform}` ({binary}) |"))?;
        write!(text, "\n|---|")?;
        PLATFORMS.iter().try_for_each(|_| write!(text, "---:|"))?;
        let mut notes = Vec::new();
        for program in PROGRAMS {
            write!(text, "\n| {program} |")?;
            for (platform, _, _) in PLATFORMS {
                let key = (program, platform);
                let real = match self.real.get(&key) {
                    Some(Cell::Same(_)) => " =",
                    Some(Cell::Refused(why) | Cell::Different(why)) => {
                        notes.push(format!("{program} on the real `{platform}`: {why}"));
                        ""
                    }
                    Some(Cell::NoBinary) | None => "",
                };
                match self.counts.get(&key) {
                    Some(Cell::Same(Some(count))) => write!(text, " {count}{real} |")?,
                    Some(Cell::Refused(why) | Cell::Different(why)) => {
                        notes.push(format!("{program} on `{platform}`: {why}"));
                        write!(text, " – |")?;
                    }
                    _ => write!(text, "  |")?,
                }
            }
        }
        text += "\n";
        let root = format!("{}/", crate::root().display());
        for note in &notes {
            let note: String = note.trim_end().replace('\n', " ").replace(&root, "").chars().take(NOTE).collect();
            write!(text, "\n* {note}")?;
        }
        if !notes.is_empty() {
            text += "\n";
        }
        if !engines {
            text += "\nThe real machines were not run (`--engines`).\n";
        }
        Ok(text)
    }
}
