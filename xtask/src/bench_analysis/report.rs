//! The measurements as tables: all of them (standard output, `corpus/results.md`) and the README's summary.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::Results;
use super::growth::exponent;
use super::row::Row;

const BEGIN: &str =
    "<!-- bench-analysis: begin (written by `cargo run --release -p xtask -- bench-analysis --update-readme`) -->\n";
const END: &str = "<!-- bench-analysis: end -->";

/// What the columns mean, in the order of the columns.
const LEGEND: &str = "\
* **text**: bytes of all sections that hold code.
* **observed**: different calls in all runs of `corpus/corpus.toml` and `example.toml` under `qemu-riscv64 -strace`.
* **predicted**: different numbers in the manifest; behind it the ratio to the observed ones (`open`: some site can carry any number).
* **missed**: observed and not predicted. Handlers return through code of the kernel's, so `rt_sigreturn` does not count.
* **unbounded**: reachable sites that can carry any number.
* **constants**: what a scan without reachability finds: constants that `li` leaves in a7 at an `ecall` on the same straight
  line and, where symbols name wrappers such as `syscall` or `Syscall6`, constants in the register that they take the number in.
* **time**: `zeroos manifest --format json`, the whole command, wall clock, median of 5 (of 3 above a second, once above 5 s); **objdump**: its
  share of what GNU `objdump -d` takes on the same file in the same run.
* **memory**: the command's largest resident set. Behind it, for texts of 100 KB and more, how many times the text size it
  takes beyond what the smallest program does, which is the command itself and the system's libraries.
";

/// The whole report in Markdown, for the terminal too.
pub fn text(results: &Results) -> String {
    let mut text = table(results.rows.iter().map(|row| row_cells(row, true, floor(results))).collect());
    text += &format!("\n{}", summary(results));
    text += &format!("\n{}", differences(&results.rows));
    text += "\nMissed and unbounded:\n\n";
    for row in results.rows.iter().filter(|row| !row.missed.is_empty()) {
        text += &format!("* {}: **missed** {}\n", title(row), row.missed.join(", "));
    }
    for row in &results.rows {
        for site in &row.unbounded {
            text +=
                &format!("* {}: unbounded site {} in `{}`: {}\n", title(row), site.address, site.function, site.why);
        }
    }
    if !results.growth.is_empty() {
        text += &format!("\n{}", growth(results));
    }
    text
}

/// `corpus/results.md`.
pub fn markdown(results: &Results) -> String {
    let mut text = String::from(
        "# What the static analysis predicts, and what programs do\n\n\
         Written by `cargo run --release -p xtask -- bench-analysis --update-readme`; do not edit. Programs are rv64gc or rv64imac,\n\
         `ET_EXEC` or static-PIE, each with symbols and stripped, where that can be had.\n\n",
    );
    text += LEGEND;
    for origin in &results.origins {
        text += &format!("* {origin}.\n");
    }
    text += &format!("\n{}", self::text(results));
    text + "\n![Time by text size](growth.svg)\n"
}

/// README.md with the part between the markers replaced.
pub fn readme(readme: &str, results: &Results) -> Result<String> {
    let start = readme.find("<!-- bench-analysis: begin").context("README.md has no begin marker")?;
    let end = readme.find(END).context("README.md has no end marker")?;
    // One line a program: the flavour that all toolchains make, with symbols where there are any.
    let shown = results.rows.iter().filter(|row| row.flavour == "gc-exec" && (row.symbols || !row.small));
    let part = table(shown.map(|row| row_cells(row, false, floor(results))).collect());
    Ok(format!("{}{BEGIN}{part}\n{}{}", &readme[..start], summary(results), &readme[end..]))
}

fn title(row: &Row) -> String {
    format!("{} {}{}", row.program, row.flavour, if row.symbols { " with symbols" } else { "" })
}

fn row_cells(row: &Row, flavour: bool, floor: u64) -> Vec<(&'static str, String)> {
    let ratio = row.ratio().map_or("open".to_owned(), |ratio| format!("{ratio:.2}"));
    let mut cells = vec![("program", row.program.clone())];
    if flavour {
        cells.push(("flavour", row.flavour.clone()));
        cells.push(("symbols", if row.symbols { "yes" } else { "no" }.to_owned()));
    }
    cells.extend([
        ("text", row.text_bytes.to_string()),
        ("observed", row.observed.len().to_string()),
        ("predicted", format!("{} ({ratio})", row.predicted.len())),
        ("missed", row.missed.len().to_string()),
        ("unbounded", row.unbounded.len().to_string()),
        ("constants", row.constants.to_string()),
        ("time", format!("{:.2} s", row.seconds)),
        ("objdump", format!("{:.2}", row.seconds / row.objdump_seconds)),
        ("memory", memory(row.peak_bytes, row.text_bytes, floor)),
    ]);
    cells
}

/// Programs of less text say nothing of how memory grows with it; in bytes.
const LEAST_TEXT: u64 = 100_000;

/// What the command takes for the smallest program, in bytes.
fn floor(results: &Results) -> u64 {
    results.rows.iter().map(|row| row.peak_bytes).min().unwrap_or(0)
}

/// How many times its text a program takes beyond `floor`.
fn times_text(peak_bytes: u64, text_bytes: u64, floor: u64) -> f64 {
    peak_bytes.saturating_sub(floor) as f64 / text_bytes as f64
}

fn memory(peak_bytes: u64, text_bytes: u64, floor: u64) -> String {
    let megabytes = format!("{:.0} MB", peak_bytes as f64 / 1e6);
    match text_bytes {
        LEAST_TEXT.. => format!("{megabytes} ({:.0})", times_text(peak_bytes, text_bytes, floor)),
        _ => format!("{megabytes}     "),
    }
}

/// The largest memory by text size: beyond what the smallest program takes, and in all for programs of more than 1 MB of text.
fn memory_summary(results: &Results) -> Option<String> {
    let rows = results.rows.iter().map(|row| (row.peak_bytes, row.text_bytes, title(row)));
    let points = &results.growth;
    let points = points.iter().map(|point| (point.peak_bytes, point.text_bytes, "a synthetic program".to_owned()));
    let programs: Vec<_> = rows.chain(points).filter(|&(_, text, _)| text >= LEAST_TEXT).collect();
    let most = |least_text: u64, floor: u64| {
        let programs = programs.iter().filter(|&&(_, text, _)| text >= least_text);
        let times = programs.map(|(peak, text, name)| (times_text(*peak, *text, floor), name));
        times.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let (floor, ((beyond, name), (in_all, large))) =
        (floor(results), (most(LEAST_TEXT, floor(results))?, most(1_000_000, 0)?));
    Some(format!(
        "* Memory: {:.1} MB for the smallest program; beyond that at most {beyond:.1} times the text ({name}; goal 20). \
         Above 1 MB of text\n  at most {in_all:.1} times the text in all ({large}).\n",
        floor as f64 / 1e6
    ))
}

/// A Markdown table whose columns are aligned in the source, too; all but the first are numbers.
fn table(rows: Vec<Vec<(&'static str, String)>>) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let names: Vec<&str> = first.iter().map(|&(name, _)| name).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].1.len());
        cells.max().unwrap_or(0).max(names[column].len())
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let mut text = String::from("|");
    for (column, name) in names.iter().enumerate() {
        text += &match column {
            0 => format!(" {name:<0$} |", widths[column]),
            _ => format!(" {name:>0$} |", widths[column]),
        };
    }
    text += "\n|";
    for (column, width) in widths.iter().enumerate() {
        text +=
            &if column == 0 { format!("{}|", "-".repeat(width + 2)) } else { format!("{}:|", "-".repeat(width + 1)) };
    }
    for row in &rows {
        text += "\n|";
        for (column, (_, cell)) in row.iter().enumerate() {
            text += &match column {
                0 => format!(" {cell:<0$} |", widths[column]),
                _ => format!(" {cell:>0$} |", widths[column]),
            };
        }
    }
    text + "\n"
}

/// Totals, each with its goal.
fn summary(results: &Results) -> String {
    let rows = &results.rows;
    let missed = |bounded: bool| -> usize {
        rows.iter().filter(|row| row.unbounded.is_empty() == bounded).map(|row| row.missed.len()).sum()
    };
    let unbounded: usize = rows.iter().map(|row| row.unbounded.len()).sum();
    let mut text = format!(
        "* {} binaries of {} programs. Observed but not predicted: {} (goal 0). Unbounded sites: {unbounded} (goal 0).\n",
        rows.len(),
        rows.iter().map(|row| &row.program).collect::<BTreeSet<_>>().len(),
        missed(true),
    );
    if missed(false) > 0 {
        text += &format!("* Not named by manifests that say themselves that they are open: {} calls.\n", missed(false));
    }
    for (symbols, name, goal) in [(true, "with symbols", "3.0"), (false, "stripped", "3.5")] {
        let (mean, open) = mean_ratio(rows.iter().filter(|row| row.small && row.symbols == symbols));
        let mean = mean.map_or("none".to_owned(), |mean| format!("{mean:.2}"));
        let open = if open > 0 { format!(", {open} unbounded binaries left out") } else { String::new() };
        text +=
            &format!("* Predicted over observed, own programs {name}, geometric mean: {mean} (goal {goal}{open}).\n");
    }
    if let Some(row) = rows.iter().max_by_key(|row| row.text_bytes) {
        text += &format!(
            "* The largest, `{}`: {:.2} s, {:.3} of `objdump -d`, memory {:.1} times its text.\n",
            row.program,
            row.seconds,
            row.seconds / row.objdump_seconds,
            row.peak_bytes as f64 / row.text_bytes as f64
        );
    }
    text += &memory_summary(results).unwrap_or_default();
    if let Some(exponent) = exponent(&results.growth, 900_000) {
        text += &format!("* Growth of time with text size, 1 to 30 MB: to the power of {exponent:.2}.\n");
    }
    text
}

/// The geometric mean over programs, each program's binaries weighing one program together; and how many binaries have
/// no ratio.
fn mean_ratio<'r>(rows: impl Iterator<Item = &'r Row>) -> (Option<f64>, usize) {
    let mut programs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut open = 0;
    for row in rows {
        match row.ratio() {
            Some(ratio) => programs.entry(&row.program).or_default().push(ratio.ln()),
            None => open += 1,
        }
    }
    let mean = |logs: &[f64]| logs.iter().sum::<f64>() / logs.len() as f64;
    let means: Vec<f64> = programs.values().map(|logs| mean(logs)).collect();
    ((!means.is_empty()).then(|| mean(&means).exp()), open)
}

/// What stripping adds to or takes from the predicted set.
fn differences(rows: &[Row]) -> String {
    let mut text = String::from("Stripped beside unstripped:\n\n");
    let mut same = 0;
    for stripped in rows.iter().filter(|row| !row.symbols) {
        let twin = |row: &&Row| row.symbols && row.program == stripped.program && row.flavour == stripped.flavour;
        let Some(full) = rows.iter().find(twin) else { continue };
        let [ours, theirs] = [stripped, full].map(|row| row.predicted.iter().collect::<BTreeSet<_>>());
        let name =
            |(sign, set): (&str, Vec<&&String>)| set.iter().map(|name| format!("{sign}{name}")).collect::<Vec<_>>();
        let added = name(("+", ours.difference(&theirs).collect()));
        let removed = name(("−", theirs.difference(&ours).collect()));
        match [added, removed].concat() {
            names if names.is_empty() => same += 1,
            names => text += &format!("* {}: {}\n", title(stripped), names.join(" ")),
        }
    }
    text + &format!("* the same set: {same} binaries\n")
}

/// Time and memory of the synthetic programs.
fn growth(results: &Results) -> String {
    let rows = results.growth.iter().map(|point| {
        let bytes = point.text_bytes as f64;
        vec![
            ("synthetic text", point.text_bytes.to_string()),
            ("time", format!("{:.2} s", point.seconds)),
            ("µs/KB", format!("{:.0}", point.seconds * 1e9 / bytes)),
            ("objdump", format!("{:.2}", point.seconds / point.objdump_seconds)),
            ("memory", memory(point.peak_bytes, point.text_bytes, floor(results))),
        ]
    });
    table(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(program: &str, symbols: bool, observed: &[&str], predicted: &[&str]) -> Row {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Row {
            program: program.to_owned(),
            flavour: "gc-exec".to_owned(),
            symbols,
            small: true,
            text_bytes: 1000,
            observed: names(observed),
            predicted: names(predicted),
            missed: Vec::new(),
            unbounded: Vec::new(),
            constants: 3,
            seconds: 0.1,
            cpu_seconds: 0.1,
            objdump_seconds: 1.0,
            peak_bytes: 20_000,
        }
    }

    #[test]
    fn each_program_weighs_the_same_in_the_mean() {
        let rows = [
            row("a", true, &["x"], &["x", "y"]),
            row("a", true, &["x"], &["x", "y"]),
            row("b", true, &["x"], &["x", "1", "2", "3", "4", "5", "6", "7"]),
        ];
        let (mean, open) = mean_ratio(rows.iter());
        assert!((mean.expect("a mean") - 4.0).abs() < 1e-9 && open == 0);
    }

    #[test]
    fn memory_is_told_beyond_what_the_smallest_program_takes() {
        let sized = |name, text_bytes, peak_bytes| Row { text_bytes, peak_bytes, ..row(name, true, &["x"], &["x"]) };
        let rows = vec![
            sized("a", 2_000, 8_000_000),
            sized("b", 99_999, 90_000_000),
            sized("c", 100_000, 9_000_000),
            sized("d", 2_000_000, 24_000_000),
        ];
        let results = Results { rows, growth: Vec::new(), origins: Vec::new() };
        let text = memory_summary(&results).expect("programs");
        assert!(text.contains("8.0 MB") && text.contains("10.0 times the text (c gc-exec"), "{text}");
        assert!(text.contains("at most 12.0 times the text in all (d gc-exec"), "{text}");
        assert_eq!(
            [2_000, 100_000].map(|text| memory(9_000_000, text, floor(&results)).trim_end().to_owned()),
            ["9 MB", "9 MB (10)"]
        );
    }

    #[test]
    fn what_stripping_changes_is_named() {
        let rows = [row("a", true, &["x"], &["x", "y"]), row("a", false, &["x"], &["x", "z"])];
        assert!(differences(&rows).contains("* a gc-exec: +z −y\n"), "{}", differences(&rows));
    }

    #[test]
    fn the_readme_keeps_what_is_around_the_markers() {
        let results = Results { rows: vec![row("a", true, &["x"], &["x"])], growth: Vec::new(), origins: Vec::new() };
        let old = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let new = readme(&old, &results).expect("markers");
        assert!(new.starts_with("before\n") && new.ends_with(&format!("{END}\nafter\n")) && !new.contains("old"));
        assert_eq!(readme(&new, &results).expect("markers"), new);
        assert!(readme("no markers", &results).is_err());
    }
}
