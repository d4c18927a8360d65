//! Random sequences of system calls, made by one interpreter program (`interpreter.c`) under `qemu-riscv64` and as an image:
//! every result, and all memory that the calls work on, has to be the same. What differs on purpose stands in
//! `explained.rs`, with the reason. A sequence is known by its seed: `ZEROOS_SEED=7` repeats one, and
//! `ZEROOS_SEQUENCES=2000` runs that many.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod explained;
mod generate;
#[path = "../tool/mod.rs"]
mod tool;

use std::process::Command;

use generate::{Step, sequence};
use tool::{Workplace, finish};

/// How many sequences, and the fewest calls that must have been compared in each on average.
const SEQUENCES: u64 = 120;
const FEWEST_CALLS: u64 = 100;

/// What the interpreter printed of one step: its result and the hash of the memory behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Answer {
    step: usize,
    result: i64,
    memory: u64,
}

fn answers(text: &str) -> Vec<Answer> {
    let number = |word: &str| u64::from_str_radix(word, 16).unwrap();
    text.lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            Answer { step: number(words[0]) as usize, result: number(words[1]) as i64, memory: number(words[2]) }
        })
        .collect()
}

/// Compares both runs of `steps`: how many calls agree, and what the first unexplained difference is.
fn compare(steps: &[Step], reference: &str, image: &str) -> Result<usize, String> {
    let (reference, image) = (answers(reference), answers(image));
    let mut agreed = 0;
    for (expected, found) in reference.iter().zip(&image) {
        let step = &steps[expected.step];
        if expected == found {
            agreed += 1;
        } else if expected.memory != found.memory || !explained::is_explained(step, expected.result, found.result) {
            return Err(format!("step {}: {step:x?}\n  expected {expected:x?}\n  found    {found:x?}", expected.step));
        }
    }
    if reference.len() == image.len() {
        Ok(agreed)
    } else {
        Err(format!("{} answers expected, {} found", reference.len(), image.len()))
    }
}

#[test]
fn random_sequences_have_the_same_answers() {
    same_answers(&Workplace::new(), "spike", SEQUENCES);
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
    same_answers(&workplace, "paged", SEQUENCES / 2);
}

/// Runs `count` sequences on `platform`, and under `qemu-riscv64`.
fn same_answers(workplace: &Workplace, platform: &str, count: u64) {
    let app = workplace.guest("interpreter.c", include_str!("interpreter.c"), &["-O1"]);
    let image = workplace.path("image").display().to_string();
    workplace.zeroos(&["build", &app, "--platform", platform, "-o", &image]).exits(0);
    let (mut compared, mut wrong) = (0, Vec::new());
    let variable = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let count = variable("ZEROOS_SEQUENCES").unwrap_or(count);
    let seeds = variable("ZEROOS_SEED").map_or(0..count, |seed| seed..seed + 1);
    for seed in seeds.clone() {
        let steps = sequence(seed);
        let script: Vec<u8> = steps.iter().flat_map(|step| step.encode()).collect();
        let empty = tempfile::tempdir().unwrap();
        // A sequence that waits for ever would be a mistake of the generator's.
        let mut reference = Command::new("timeout");
        let reference = reference.args(["60", "qemu-riscv64", &app]).current_dir(empty.path());
        let expected = finish(reference, &script).exits(0);
        let found = workplace.zeroos_with_input(&["run", &image], &script);
        let stopped = (found.status != 0).then(|| found.stderr.lines().last().unwrap_or_default().to_owned());
        match (compare(&steps, expected.text(), found.text()), stopped) {
            (Ok(count), _) => compared += count,
            (Err(difference), None) => wrong.push(format!("seed {seed}, {difference}")),
            (Err(difference), Some(stop)) => wrong.push(format!("seed {seed}, {difference}\n  {stop}")),
        }
    }
    println!("{compared} calls compared");
    assert!(wrong.is_empty(), "{} of {} sequences differ:\n{}", wrong.len(), seeds.clone().count(), wrong.join("\n"));
    assert!(compared as u64 >= FEWEST_CALLS * seeds.clone().count() as u64, "only {compared} calls were compared");
}
