//! Random sequences of system calls, made by one interpreter program (`interpreter.c`) as an image: every result, and all memory
//! that the calls work on, has to be what Linux answered. `recorded.bin` holds Linux's answers: those of Debian's riscv64 kernel,
//! written by `cargo run --release -p xtask -- record-linux`, which boots it. What differs on purpose stands in `explained.rs`,
//! with the reason. A sequence is known by its seed: `ZEROOS_SEED=7` repeats one, and `ZEROOS_SEQUENCES=3000` runs all.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod explained;
mod generate;
mod linking;
mod recorded;
#[path = "../tool/mod.rs"]
mod tool;

use generate::{POKE, Step, sequence};
use recorded::{Answers, decode};
use tool::Workplace;

/// How many sequences are run if nobody says otherwise, and the fewest calls that must have been compared in each on average.
const USUAL: u64 = 300;
const FEWEST_CALLS: u64 = 80;

const INTERPRETER: &str = include_str!("interpreter.c");

/// Compares both answers to `steps`: how many calls agree, and what the first difference is. An image that `stopped` gives
/// fewer.
fn compare(steps: &[Step], linux: &Answers, image: &Answers, stopped: bool) -> Result<usize, String> {
    let calls = steps.iter().enumerate().filter(|(_, step)| step.number != POKE);
    for ((index, step), (expected, found)) in calls.zip(linux.calls.iter().zip(&image.calls)) {
        if expected != found {
            return Err(format!("step {index}: {step:x?}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    if stopped {
        return Ok(image.calls.len());
    }
    if linux.calls.len() != image.calls.len() {
        return Err(format!("{} answers expected, {} found", linux.calls.len(), image.calls.len()));
    }
    if linux.end == image.end { Ok(image.calls.len()) } else { Err("the memory is another one at the end".into()) }
}

/// The answers and what was asked belong together.
#[test]
fn the_record_is_of_these_sequences() {
    let (digest, sequences) = decode(include_bytes!("recorded.bin")).unwrap();
    assert_eq!(sequences.len() as u64, generate::SEQUENCES);
    let again = "the sequences changed: record Linux's answers again (`cargo run --release -p xtask -- record-linux`)";
    assert_eq!(digest, generate::digest(INTERPRETER), "{again}");
}

#[test]
fn random_sequences_are_answered_as_by_linux() {
    answers_as_linux(&Workplace::new(), &["--platform", "spike"], USUAL);
}

/// Behind a page table the kernel reaches what the program could, and no more: what it maps, protects and moves has to be so in the
/// table, too.
#[test]
fn random_sequences_behind_a_page_table() {
    let workplace = Workplace::new();
    let translation = "[translation]\nmode = \"sv39\"\n\
        program = { virtual = \"0x0\", physical = \"0xc0000000\", size_bytes = 0x40000000 }\n\
        devices = { virtual = \"0x40000000\", physical = \"0x0\", size_bytes = 0x40000000 }\n";
    workplace.platform("paged", &[("[in_place]\nstart = \"0x1000\"\nend = \"0x2000000\"\n", translation)]);
    answers_as_linux(&workplace, &["--platform", "paged"], USUAL / 3);
}

/// Calls that look up what pages allow must not forget any that the program may use.
#[test]
fn random_sequences_with_checked_access() {
    answers_as_linux(&Workplace::new(), &["--platform", "spike", "--check-access"], USUAL / 6);
}

/// Runs sequences as an image built with `options`, `count` if nobody says otherwise, and compares with what was recorded.
fn answers_as_linux(workplace: &Workplace, options: &[&str], count: u64) {
    let app = workplace.guest("interpreter.c", INTERPRETER, linking::FLAGS);
    let image = workplace.path("image").display().to_string();
    workplace.zeroos(&[&["build", &app, "-o", &image], options].concat()).exits(0);
    let (_, recorded) = decode(include_bytes!("recorded.bin")).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    let variable = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let count = variable("ZEROOS_SEQUENCES").unwrap_or(count).clamp(1, generate::SEQUENCES);
    let seeds: Vec<u64> = match variable("ZEROOS_SEED") {
        Some(seed) => vec![seed],
        // Some of every kind.
        None => (0..count).map(|index| index * generate::SEQUENCES / count).collect(),
    };
    for &seed in &seeds {
        let found = workplace.zeroos_with_input(&["run", &image], &generate::script(seed));
        let stop = if found.status == 0 { "" } else { found.stderr.lines().last().unwrap_or_default() };
        let answers = Answers::parse(found.text()).unwrap_or_default();
        if seeds.len() == 1 {
            for (index, step) in sequence(seed).iter().enumerate() {
                println!("{index}: {} {:x?}", step.number, step.arguments);
            }
        }
        match compare(&sequence(seed), &recorded[seed as usize], &answers, explained::is_explained(stop)) {
            Ok(count) => compared += count,
            Err(difference) => wrong.push(format!("seed {seed}, {difference}\n  {stop}")),
        }
    }
    println!("{compared} calls compared");
    assert!(wrong.is_empty(), "{} of {} sequences differ:\n{}", wrong.len(), seeds.len(), wrong.join("\n"));
    let is_whole = seeds.len() > 1;
    assert!(!is_whole || compared as u64 >= FEWEST_CALLS * seeds.len() as u64, "only {compared} calls were compared");
}
