//! The README's first command: one real program through the whole tool, each command shown as a user would type it.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::setup;
use crate::step::{Step, cargo};

const PROGRAM: &str = "examples/std-rust/bin/gc-exec";
const IMAGE: &str = "target/demo/std-rust.zeroos.elf";
const STATS: &str = "target/demo/stats.json";

/// Builds zeroos, then prints a manifest, builds an image, runs it and reports what it cost.
pub fn demo() -> Result<()> {
    setup::kernel_target()?;
    fs::create_dir_all(crate::root().join("target/demo"))?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;

    heading("Which system calls can this program reach? (Rust std, static, stripped: HashMap, threads, files)");
    zeroos().args(["manifest", PROGRAM]).run()?;

    heading("Build an image of the program and the kernel it needs, its argument and its file committed");
    let file = "/input/text.txt=examples/std-rust/input/text.txt";
    zeroos().args(["build", PROGRAM, "-o", IMAGE, "--arg", "input/text.txt", "--file", file]).run()?;

    heading("Run it on the built-in machine");
    zeroos().args(["run", "--stats", STATS, IMAGE]).stdin("examples/std-rust/input/numbers.txt")?.run()?;

    heading("What it cost");
    let stats = fs::read_to_string(crate::root().join(STATS)).context(STATS)?;
    print!("{}", costs(&serde_json::from_str(&stats).context(STATS)?)?);
    Ok(())
}

/// The release build of the tool.
pub fn zeroos() -> Step {
    Step::new("target/release/zeroos")
}

fn heading(text: &str) {
    println!("\n# {text}");
}

/// The statistics of `zeroos run --stats` in a few lines.
fn costs(stats: &Value) -> Result<String> {
    let count = |pointer: &str| {
        stats.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("no {pointer} in the statistics"))
    };
    let total = count("/instructions/total")?;
    let mut text = format!("{total:>12} instructions in all\n");
    for part in ["boot", "program", "kernel"] {
        let instructions = count(&format!("/instructions/{part}"))?;
        let share = instructions as f64 * 100.0 / total.max(1) as f64;
        text += &format!("{instructions:>12} {part} ({share:.1} %)\n");
    }
    text += &format!("{:>12} bytes of kernel\n", count("/kernel_bytes")?);
    text += &format!("{:>12} bytes of image\n", count("/image_bytes")?);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_name_every_part() {
        let stats = serde_json::json!({
            "instructions": {"total": 1000, "boot": 50, "program": 750, "kernel": 200},
            "kernel_bytes": 4096, "image_bytes": 10000,
        });
        let text = costs(&stats).expect("complete statistics");
        assert!(text.contains("        1000 instructions in all\n          50 boot (5.0 %)\n"), "{text}");
        assert!(text.contains("        4096 bytes of kernel\n"), "{text}");
    }

    #[test]
    fn incomplete_statistics_are_an_error() {
        assert!(costs(&serde_json::json!({"instructions": {"total": 1}})).is_err());
    }
}
