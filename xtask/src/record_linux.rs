//! Records what Linux itself answers to the random sequences of `zeroos-cli/tests/differential`: boots Debian's riscv64 kernel in
//! QEMU with a file system that holds nothing but the scripts and two small programs, and keeps what it prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::debian::{self, PrivateArchive, Tool};
use crate::step::Step;

#[path = "../../zeroos-cli/tests/differential/generate.rs"]
mod generate;
#[path = "../../zeroos-cli/tests/differential/linking.rs"]
mod linking;
#[path = "../../zeroos-cli/tests/differential/recorded.rs"]
mod recorded;

use recorded::Answers;

/// Debian's release whose kernel is the reference: Linux 6.12.
const SUITE: &str = "trixie";
/// The package that depends on the current kernel.
const PACKAGE: &str = "linux-image-riscv64";
/// Far more than the boot and all sequences take, in seconds.
const LIMIT: &str = "1800";

const TOOLS: [Tool; 2] = [
    Tool { program: "qemu-system-riscv64", package: "qemu-system-misc" },
    Tool { program: "riscv64-linux-gnu-gcc", package: "gcc-riscv64-linux-gnu" },
];

/// Fetches the kernel unless it is there, boots it, and writes `zeroos-cli/tests/differential/recorded.bin`.
pub fn record_linux() -> Result<()> {
    debian::install_missing(&TOOLS)?;
    let sources = crate::root().join("zeroos-cli/tests/differential");
    let folder = crate::root().join("target/linux");
    fs::create_dir_all(&folder)?;
    let kernel = kernel(&folder)?;
    let flags = ["-static", "-nostdlib", "-march=rv64gc", "-mabi=lp64d", "-fno-stack-protector", "-fno-builtin"];
    for (name, more) in [("interpreter", linking::FLAGS), ("recorder", &["-O1", "-w", "-Wl,--no-relax"])] {
        let (source, program) = (sources.join(name).with_extension("c"), folder.join(name));
        Step::new("riscv64-linux-gnu-gcc").args(flags).args(more).arg("-o").arg(&program).arg(&source).run()?;
    }
    let initrd = folder.join("initrd");
    fs::write(&initrd, file_system(&folder)?)?;
    let console = boot(&kernel, &initrd)?;
    fs::write(folder.join("console"), &console)?;
    let sequences = parse(&console)?;
    let interpreter = fs::read_to_string(sources.join("interpreter.c"))?;
    let bytes = recorded::encode(generate::digest(&interpreter), &sequences);
    let calls: usize = sequences.iter().map(|answers| answers.calls.len()).sum();
    println!("{} sequences, {calls} answers, {} bytes", sequences.len(), bytes.len());
    ensure!(recorded::decode(&bytes).is_some_and(|(_, again)| again == sequences), "what was written cannot be read");
    Ok(fs::write(sources.join("recorded.bin"), bytes)?)
}

/// The kernel's file.
fn kernel(folder: &Path) -> Result<PathBuf> {
    let tree = folder.join("package");
    let find = || {
        fs::read_dir(tree.join("boot"))
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinu")))
    };
    if let Some(kernel) = find() {
        return Ok(kernel);
    }
    let archive = PrivateArchive::open(&folder.join("archive"), SUITE, "riscv64")?;
    let package = archive.first_dependency(PACKAGE)?;
    let version = archive.unpack(&package, &tree)?;
    println!("{package} {version}");
    find().with_context(|| format!("package {package} holds no boot/vmlinu*"))
}

/// A cpio archive (format `newc`, Documentation/driver-api/early-userspace/buffer-format.rst): `/init`, what it starts, the console
/// and the scripts.
fn file_system(folder: &Path) -> Result<Vec<u8>> {
    const FOLDER: u32 = 0o4_0755;
    const PROGRAM: u32 = 0o10_0755;
    let mut archive = Vec::new();
    let mut entry = |name: &str, mode: u32, device: (u32, u32), contents: &[u8]| {
        let number = archive.len() as u32 + 1;
        let (size, name_size) = (contents.len() as u32, name.len() as u32 + 1);
        let fields = [number, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0];
        archive.extend(b"070701");
        archive.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        for part in [&[name.as_bytes(), b"\0"].concat()[..], contents] {
            archive.extend(part);
            archive.resize(archive.len().next_multiple_of(4), 0);
        }
    };
    entry("dev", FOLDER, (0, 0), b"");
    entry("dev/console", 0o2_0600, (5, 1), b"");
    entry("init", PROGRAM, (0, 0), &fs::read(folder.join("recorder"))?);
    entry("interpreter", PROGRAM, (0, 0), &fs::read(folder.join("interpreter"))?);
    entry("scripts", FOLDER, (0, 0), b"");
    for seed in 0..generate::SEQUENCES {
        entry(&format!("scripts/{seed:04}"), 0o10_0644, (0, 0), &generate::script(seed));
    }
    entry("TRAILER!!!", 0, (0, 0), b"");
    Ok(archive)
}

/// Everything that the machine prints until it is switched off.
fn boot(kernel: &Path, initrd: &Path) -> Result<String> {
    let mut command = Command::new("timeout");
    command.args([
        LIMIT,
        "qemu-system-riscv64",
        "-M",
        "virt",
        "-m",
        "1G",
        "-bios",
        "default",
        "-nographic",
        "-no-reboot",
        // Time is counted in instructions, and passes at once where everybody sleeps: who waits for threads to come to rest waits for
        // nothing else.
        "-icount",
        "shift=1,sleep=off",
    ]);
    command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd);
    command.args(["-append", "console=ttyS0 quiet loglevel=3 panic=-1"]);
    println!("{command:?}");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot start it")?;
    ensure!(output.status.success(), "QEMU ended with {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The answers between the lines `#NUMBER` and `=STATUS`, one sequence after the other, up to the line `.0`.
fn parse(console: &str) -> Result<Vec<Answers>> {
    let (_, mut rest) = console.split_once("#0\r\n").context("the recorder said nothing: see target/linux/console")?;
    let mut sequences = Vec::new();
    for seed in 0..generate::SEQUENCES {
        let (text, behind) = rest.split_once('=').with_context(|| format!("sequence {seed} did not end"))?;
        let answers = Answers::parse(text).with_context(|| format!("sequence {seed} printed `{text}`"))?;
        let calls = generate::sequence(seed).iter().filter(|step| step.number != generate::POKE).count();
        let next = format!("0\r\n#{:x}\r\n", seed + 1);
        match behind.strip_prefix(&next).or(behind.strip_prefix("0\r\n.0\r\n")) {
            Some(behind) if answers.calls.len() == calls && answers.end.is_some() => rest = behind,
            _ => bail!(
                "sequence {seed} gave {} of {calls} answers and ended with status {}",
                answers.calls.len(),
                behind.lines().next().unwrap_or_default()
            ),
        }
        sequences.push(answers);
    }
    Ok(sequences)
}
