//! What `--profile` shows: the machine's profile with the names of functions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use object::{Object, ObjectSymbol, SymbolKind};

use crate::address::Address;
use crate::linux::SyscallNumber;
use crate::machine::{Frame, Machine, Stack};

/// Where the instructions of a run went. Every count is exact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    stacks: Vec<Stack>,
    names: BTreeMap<Address, String>,
}

/// Has `machine` note who executes what of `image`, which it holds.
pub(super) fn record(machine: &mut Machine, image: &[u8]) {
    let Ok(file) = object::File::parse(image) else { return };
    let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
    let starts: Vec<Address> = functions.map(|symbol| Address(symbol.address())).collect();
    let running = file.symbols().find(|symbol| symbol.name() == Ok("zeroos_running"));
    machine.record_profile(starts, running.map(|symbol| Address(symbol.address())));
}

impl Profile {
    /// What `machine` noted of `image`.
    pub(super) fn of(machine: &Machine, image: &[u8]) -> Profile {
        let names = object::File::parse(image).map(|file| names(&file)).unwrap_or_default();
        Profile { stacks: machine.profile(), names }
    }

    /// A line for each context, `outermost;…;function instructions`, in the order of the names: what tools that draw flame
    /// graphs read ("folded stacks"). A function without a symbol is named by its address less `bias`.
    pub fn folded(&self, bias: u64) -> String {
        let mut lines: BTreeMap<String, u64> = BTreeMap::new();
        for stack in &self.stacks {
            let names: Vec<String> = stack.frames.iter().map(|&frame| self.name(frame, bias)).collect();
            *lines.entry(names.join(";")).or_default() += stack.instructions;
        }
        lines.iter().fold(String::new(), |mut text, (names, instructions)| {
            let _ = writeln!(text, "{names} {instructions}");
            text
        })
    }

    /// The `rows` functions that executed most themselves, as a table, with what they and their callees executed.
    pub fn table(&self, bias: u64, rows: usize) -> String {
        let mut functions: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for stack in &self.stacks {
            let names: Vec<String> = stack.frames.iter().map(|&frame| self.name(frame, bias)).collect();
            if let Some(innermost) = names.last() {
                functions.entry(innermost.clone()).or_default().0 += stack.instructions;
            }
            // A recursive function is on the stack more than once.
            for name in names.into_iter().collect::<BTreeSet<String>>() {
                functions.entry(name).or_default().1 += stack.instructions;
            }
        }
        let total: u64 = self.stacks.iter().map(|stack| stack.instructions).sum();
        let share = |part: u64| 100.0 * part as f64 / total.max(1) as f64;
        let mut sorted: Vec<(String, (u64, u64))> = functions.into_iter().collect();
        sorted.sort_by(|(a, (own_a, _)), (b, (own_b, _))| own_b.cmp(own_a).then_with(|| a.cmp(b)));
        let mut text = format!("{:>13} {:>6}  {:>13} {:>6}\n", "itself", "", "with callees", "");
        for (name, (own, all)) in sorted.into_iter().take(rows) {
            let (own_share, all_share) = (share(own), share(all));
            let name = shortened(&name);
            let _ = writeln!(text, "{own:>13} {own_share:>5.1}%  {all:>13} {all_share:>5.1}%  {name}");
        }
        text
    }

    fn name(&self, frame: Frame, bias: u64) -> String {
        match frame {
            Frame::Function(start) => match self.names.get(&start) {
                Some(name) => name.clone(),
                None => format!("fn_{}", Address(start.0.wrapping_sub(bias))),
            },
            Frame::Call(number) => format!("[call {}]", SyscallNumber(number)),
            Frame::Kernel => "[kernel]".into(),
        }
    }
}

/// A name for a line of a table: of a long one, as Rust's generic functions have them, the start and the end.
fn shortened(name: &str) -> String {
    const MOST: usize = 100;
    const END: usize = 30;
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= MOST {
        return name.to_owned();
    }
    let (start, end) = (&characters[..MOST - END - 1], &characters[characters.len() - END..]);
    start.iter().chain(&['…']).chain(end).collect()
}

/// The names of all functions, demangled. What has several is named by the one that sorts first.
fn names(file: &object::File<'_>) -> BTreeMap<Address, String> {
    let mut names: BTreeMap<Address, String> = BTreeMap::new();
    let functions = file.symbols().filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown));
    for symbol in functions {
        let Ok(name) = symbol.name() else { continue };
        // Local labels of assembly are no names for people; `;` separates frames, and lines end them.
        if name.is_empty() || name.starts_with(".L") || name.starts_with('$') {
            continue;
        }
        let name = format!("{:#}", rustc_demangle::demangle(name))
            .replace(|character: char| character == ';' || character.is_control(), ",");
        let known = names.entry(Address(symbol.address())).or_insert_with(|| name.clone());
        if name < *known {
            *known = name;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_of_the_same_name_are_one_line_and_recursion_counts_once() {
        let stack = |frames: &[u64], instructions| Stack {
            frames: frames.iter().map(|&start| Frame::Function(Address(start))).collect(),
            instructions,
        };
        let stacks = vec![stack(&[0x10], 1), stack(&[0x10, 0x20, 0x10], 5), stack(&[0x10, 0x30, 0x10], 2)];
        let names = BTreeMap::from([(0x10, "a"), (0x20, "b"), (0x30, "b")]);
        let names = names.into_iter().map(|(start, name)| (Address(start), name.to_owned())).collect();
        let profile = Profile { stacks, names };
        assert_eq!(profile.folded(0), "a 1\na;b;a 7\n");
        let table = profile.table(0, 1);
        assert_eq!(
            table.lines().last().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")),
            Some("8 100.0% 8 100.0% a".into())
        );
    }

    #[test]
    fn functions_without_a_name_have_their_address_in_the_file_and_long_names_are_cut() {
        let stack = Stack { frames: vec![Frame::Function(Address(0x1010)), Frame::Call(64)], instructions: 3 };
        let profile = Profile { stacks: vec![stack], names: BTreeMap::new() };
        assert_eq!(profile.folded(0x1000), "fn_0x10;[call write] 3\n");
        let long = format!("{}end", "x".repeat(200));
        assert_eq!(shortened(&long).chars().count(), 100);
        assert!(shortened(&long).ends_with("end"));
    }
}
