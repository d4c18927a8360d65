//! A small data tool that leans on much of `std`: it counts the words of a file in worker threads, sums the numbers
//! on standard input, and reports both. With the argument `panic` a worker panics, and then the program itself does.
//!
//! Usage: `std-rust FILE < NUMBERS` or `std-rust panic`

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, mpsc};
use std::{env, fs, process, thread};

const WORKERS: usize = 4;

/// Says when it goes out of scope, which under `panic = "unwind"` happens during a panic too.
struct Farewell(&'static str);

impl Drop for Farewell {
    fn drop(&mut self) {
        println!("{} leaves{}", self.0, if thread::panicking() { " by a panic" } else { "" });
    }
}

fn count_words(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// Deals the lines out to the workers and merges what they send back, in whatever order it arrives.
fn count_in_parallel(text: &str) -> HashMap<String, usize> {
    let lines = Arc::new(Mutex::new(text.lines().map(str::to_owned).collect::<Vec<_>>()));
    let (sender, receiver) = mpsc::channel();
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (lines, sender) = (Arc::clone(&lines), sender.clone());
            thread::spawn(move || {
                loop {
                    // The guard must be gone before the counting, or the workers would take turns.
                    let line = lines.lock().expect("no worker panics while it holds the lock").pop();
                    let Some(line) = line else { break };
                    sender.send(count_words(&line)).expect("the receiver outlives the workers");
                }
            })
        })
        .collect();
    drop(sender);

    let mut total = HashMap::new();
    for counts in receiver {
        for (word, count) in counts {
            *total.entry(word).or_insert(0) += count;
        }
    }
    for worker in workers {
        worker.join().expect("workers do not panic");
    }
    total
}

fn report(path: &str) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let mut words: Vec<_> = count_in_parallel(&text).into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));

    let mut sum = 0i64;
    let mut numbers = 0;
    for line in io::stdin().lock().lines() {
        let line = line?;
        match line.trim().parse::<i64>() {
            Ok(number) => {
                sum += number;
                numbers += 1;
            }
            Err(error) => eprintln!("not a number: {line:?} ({error})"),
        }
    }

    let mut out = io::stdout().lock();
    writeln!(out, "{path}: {} bytes, {} lines, {} words", text.len(), text.lines().count(), words.len())?;
    for (word, count) in words.iter().take(5) {
        writeln!(out, "{count:5} {word}")?;
    }
    writeln!(out, "stdin: {numbers} numbers, sum {sum}, mean {:.3}", sum as f64 / f64::from(numbers.max(1)))?;
    Ok(())
}

fn panic_everywhere() {
    let _main = Farewell("main");
    let worker = thread::spawn(|| {
        let _worker = Farewell("worker");
        let numbers = [3, 1, 2];
        numbers[env::args().count() + 5]
    });
    match worker.join() {
        Ok(_) => println!("the worker did not panic"),
        Err(payload) => println!("caught: {}", payload.downcast_ref::<String>().map_or("no message", String::as_str)),
    }
    let caught = std::panic::catch_unwind(|| {
        let _inner = Farewell("closure");
        panic!("caught in the same thread");
    });
    println!("catch_unwind: {}", if caught.is_err() { "a panic" } else { "no panic" });
    panic!("nobody catches this one");
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "panic" => panic_everywhere(),
        [path] => {
            if let Err(error) = report(path) {
                eprintln!("std-rust: {path}: {error}");
                process::exit(1);
            }
        }
        _ => {
            eprintln!("usage: std-rust FILE < NUMBERS | std-rust panic");
            process::exit(2);
        }
    }
}
