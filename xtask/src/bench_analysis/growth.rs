//! How analysis time grows with text size: synthetic programs from 100 KB to 30 MB of text, each many renamed copies of
//! one generated C module with everything that costs: loops, switches with jump tables, calls through pointers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use super::row::{TOOL, repeated};
use super::text;
use crate::compile::{Recipe, Variant};
use crate::corpus::fingerprint::Fingerprint;
use crate::cross::{Isa, Toolchain};
use crate::step::Step;

/// The sizes aimed at, in bytes of text.
const SIZES: [u64; 6] = [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000];

/// Functions in the module: some 100 KB of text.
const FUNCTIONS: u64 = 400;

/// One program.
#[derive(Serialize, Clone, Copy)]
pub struct Point {
    /// The size of its text.
    pub text_bytes: u64,
    /// What `zeroos manifest` took, wall clock.
    pub seconds: f64,
    /// Its largest resident set.
    pub peak_bytes: u64,
    /// What `objdump -d` took.
    pub objdump_seconds: f64,
}

/// Builds and measures all sizes.
pub fn measure(toolchain: &Toolchain) -> Result<Vec<Point>> {
    let folder = crate::root().join("target/corpus/growth");
    fs::create_dir_all(&folder)?;
    let unit = folder.join("unit.o");
    fs::write(folder.join("unit.c"), module())?;
    Step::new("riscv64-linux-gnu-gcc")
        .args(["-march=rv64gc", "-mabi=lp64d", "-mno-relax", "-O2", "-ffreestanding", "-fno-pie", "-c", "-o"])
        .args([&unit, &folder.join("unit.c")])
        .quiet()
        .run()?;
    let unit_bytes = text::bytes(&unit)?;
    let mut points = Vec::new();
    for size in SIZES {
        let program = build(toolchain, &folder, &unit, (size / unit_bytes).max(1))?;
        println!("measuring {} bytes of synthetic text", text::bytes(&program)?);
        let tool = crate::root().join(TOOL);
        let analysed = repeated(|_| super::measure::measure(&tool, &["manifest"], &program, false))?;
        let objdump = super::measure::measure(Path::new("riscv64-linux-gnu-objdump"), &["-d"], &program, false)?;
        points.push(Point {
            text_bytes: text::bytes(&program)?,
            seconds: analysed.wall.as_secs_f64(),
            peak_bytes: analysed.peak_bytes,
            objdump_seconds: objdump.wall.as_secs_f64(),
        });
    }
    Ok(points)
}

/// The exponent of growth from the first point of at least `from` bytes to the last: 1 is linear.
pub fn exponent(points: &[Point], from: u64) -> Option<f64> {
    let first = points.iter().find(|point| point.text_bytes >= from)?;
    let last = points.last().filter(|last| last.text_bytes > first.text_bytes)?;
    let bytes = last.text_bytes as f64 / first.text_bytes as f64;
    Some((last.seconds / first.seconds).ln() / bytes.ln())
}

/// A program of `copies` copies of the module, unless it was built before.
fn build(toolchain: &Toolchain, folder: &Path, unit: &Path, copies: u64) -> Result<PathBuf> {
    let binary = folder.join(format!("program-{copies}"));
    let mut fingerprint = Fingerprint::default();
    fingerprint.add_file(unit)?;
    fingerprint.add((copies, include_str!("growth.rs")));
    fingerprint.add_compilers()?;
    if fingerprint.is_of(&binary) {
        return Ok(binary);
    }
    let directory = folder.join(format!("copies-{copies}"));
    fs::create_dir_all(&directory)?;
    let mut objects = Vec::new();
    let mut main = String::from("#include <stdio.h>\n");
    for copy in 0..copies {
        let object = directory.join(format!("{copy}.o"));
        Step::new("riscv64-linux-gnu-objcopy")
            .arg(format!("--prefix-symbols=copy{copy}_"))
            .args([unit, &object])
            .quiet()
            .run()?;
        objects.push(object.to_string_lossy().into_owned());
        main += &format!("long copy{copy}_entry(long, long *);\n");
    }
    main += "int main(int count, char **words) {\n  long sum = 0, memory[64] = {0};\n  (void)words;\n";
    for copy in 0..copies {
        main += &format!("  sum += copy{copy}_entry(count, memory);\n");
    }
    main += "  printf(\"%ld\\n\", sum);\n  return 0;\n}\n";
    fs::write(directory.join("main.c"), main)?;
    // Relaxing 30 MB takes the linker minutes.
    let flags = objects.into_iter().chain(["-Wl,--no-relax".to_owned()]).collect();
    let recipe = Recipe { directory: directory.clone(), libc: None, flags };
    let variant = Variant { isa: Isa::Gc, position_independent: false, symbols: false };
    recipe.make(toolchain, &variant, &binary).with_context(|| format!("{copies} copies"))?;
    fs::remove_dir_all(directory)?;
    fingerprint.made(&binary)?;
    Ok(binary)
}

/// The module's source. Each function calls later ones only, directly and through a table.
fn module() -> String {
    let mut source = String::new();
    for index in 0..FUNCTIONS {
        source += &format!("static long f{index}(long a, long *p);\n");
    }
    source += "static long (*const table[])(long, long *) = {";
    source += &(0..FUNCTIONS).map(|index| format!("f{index}, ")).collect::<String>();
    source += "};\n";
    let mut random = 1_u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for index in 0..FUNCTIONS {
        let later = |offset: u64| (index + 1 + offset).min(FUNCTIONS - 1);
        source +=
            &format!("__attribute__((noinline)) static long f{index}(long a, long *p) {{\n  long s = {};\n", next(999));
        source += &format!(
            "  for (long i = 0; i < (a & {}); i++) s += p[i] * {} ^ (s >> {});\n",
            next(31),
            next(99),
            next(9)
        );
        source += "  switch (a & 7) {\n";
        for case in 0..8 {
            source += &format!(
                "    case {case}: s {} {}; p[{}] = s; break;\n",
                ["+=", "^=", "-="][next(3) as usize],
                next(5000),
                next(64)
            );
        }
        source += "  }\n";
        if index + 1 < FUNCTIONS {
            source += &format!("  if (s & 1) s += f{}(s >> 3, p);\n", later(next(9)));
            // Whose bounds are seen, and whose are not: then it may be any function from there on.
            let index = ["(a & 1)", "((unsigned long)a >> 63)"][(index % 2) as usize];
            let first = later(next(30)).min(FUNCTIONS - 2);
            source += &format!("  if (s & 64) s += table[{first} + {index}](s >> 5, p);\n");
        }
        source += "  return s;\n}\n";
    }
    source + "long entry(long a, long *p) { return f0(a, p); }\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_time_for_twice_the_text_is_linear() {
        let point = |text_bytes, seconds| Point { text_bytes, seconds, peak_bytes: 0, objdump_seconds: 0.0 };
        let points = [point(10, 9.0), point(100, 1.0), point(200, 2.0)];
        assert!((exponent(&points, 50).expect("two points") - 1.0).abs() < 1e-9);
        assert!(exponent(&points, 150).is_none());
    }
}
