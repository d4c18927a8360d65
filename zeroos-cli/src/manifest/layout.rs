//! How text for people is laid out: aligned columns, and chains of functions that fit into what is left of a line.

use std::fmt::{Arguments, Write};

/// Columns that a line has when everything goes well.
const LINE: usize = 120;

/// Columns that a chain gets however little is left.
const LEAST_CHAIN: usize = 36;

/// Columns that one function's name may take in a shortened chain.
const MOST_NAME: usize = 40;

/// Adds a line without blanks at its end.
pub(super) fn line(text: &mut String, arguments: Arguments<'_>) {
    let start = text.len();
    let _ = text.write_fmt(arguments);
    text.truncate(start + text[start..].trim_end().len());
    text.push('\n');
}

/// A table whose last column is a chain of functions.
pub(super) struct Columns<const N: usize> {
    header: [&'static str; N],
    rows: Vec<([String; N], Vec<String>)>,
}

impl<const N: usize> Columns<N> {
    /// An empty table; the column of chains has the title that `write` is given.
    pub fn new(header: [&'static str; N]) -> Columns<N> {
        Columns { header, rows: Vec::new() }
    }

    /// Adds a row; `chain` may be empty.
    pub fn row(&mut self, cells: [String; N], chain: &[String]) {
        self.rows.push((cells, chain.to_vec()));
    }

    /// Writes it, each line indented by `indent`. The first column is numbers and aligned to the right.
    pub fn write(&self, text: &mut String, indent: usize, chain_title: &str) {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|(cells, _)| cells[column].chars().count());
            cells.fold(self.header[column].len(), usize::max)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let used = indent + widths.iter().map(|width| width + 2).sum::<usize>();
        let room = LINE.saturating_sub(used).max(LEAST_CHAIN);
        let header = self.header.map(str::to_owned);
        let header = (&header, chain_title.to_owned());
        let rows = self.rows.iter().map(|(cells, names)| (cells, chain(names, room)));
        for (cells, chain) in std::iter::once(header).chain(rows) {
            let mut out = " ".repeat(indent);
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                let _ = match column {
                    0 => write!(out, "{cell:>width$}  "),
                    _ => write!(out, "{cell:width$}  "),
                };
            }
            line(text, format_args!("{out}{chain}"));
        }
    }
}

/// `names` joined by ` > ` in at most `room` columns if that can be: first the long names are shortened, then the middle
/// of the chain is left out. What stays is where it starts, `main` if there is room, and the end.
pub(super) fn chain(names: &[String], room: usize) -> String {
    let whole = names.join(" > ");
    if whole.chars().count() <= room {
        return whole;
    }
    let names: Vec<String> = names.iter().map(|name| shortened(name)).collect();
    let is_main = |name: &String| name == "main" || name.ends_with(".main") || name.ends_with("::main");
    let head = if names.get(1).is_some_and(|name| name.starts_with('[')) { 2 } else { 1 };
    let main = names.iter().position(is_main);
    let pinned = [(head, main), (1, main), (head, None), (1, None)];
    let mut candidates = pinned.into_iter().filter_map(|(head, main)| longest_tail(&names, head, main, room));
    candidates.next().unwrap_or_else(|| with_tail(&names, 1, None, names.len().saturating_sub(1)))
}

/// The chain with `head` names at its start, the one at `main` and as many at the end as fit; `None` if none does.
fn longest_tail(names: &[String], head: usize, main: Option<usize>, room: usize) -> Option<String> {
    let mut tails = (head..names.len()).map(|tail| with_tail(names, head, main, tail));
    tails.find(|text| text.chars().count() <= room)
}

fn with_tail(names: &[String], head: usize, main: Option<usize>, tail: usize) -> String {
    let kept = |index: usize| index < head || index >= tail || main == Some(index);
    let mut parts: Vec<&str> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if kept(index) {
            parts.push(name);
        } else if parts.last() != Some(&"…") {
            parts.push("…");
        }
    }
    parts.join(" > ")
}

/// The end of a long name: what it is, not where it lives.
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= MOST_NAME {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count - (MOST_NAME - 1)).collect();
    format!("…{end}")
}

/// `one site`, `2 sites`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_chain_that_fits_is_whole() {
        assert_eq!(chain(&names("_start main write"), 40), "_start > main > write");
        assert_eq!(chain(&[], 40), "");
    }

    #[test]
    fn a_long_chain_keeps_its_start_main_and_as_much_of_its_end_as_fits() {
        let long = names("_start start_c libc_start stage2 main printf vfprintf lock futex");
        assert_eq!(chain(&long, 50), "_start > … > main > … > vfprintf > lock > futex");
        assert_eq!(chain(&long, 40), "_start > … > main > … > lock > futex");
        assert_eq!(chain(&long, 20), "_start > … > futex");
    }

    /// Where a pointer makes the start of a chain, the pointer is what convinces, if there is room for it.
    #[test]
    fn the_place_of_a_pointer_stays() {
        let mut long = names("_start [pointer aaaaaaaaaaaaaa bbbbbbbbbbbbbb cccccccccc write");
        long[1].push_str(" at 0x17050]");
        assert_eq!(chain(&long, 60), "_start > [pointer at 0x17050] > … > cccccccccc > write");
        assert_eq!(chain(&long, 20), "_start > … > write");
    }

    #[test]
    fn names_without_end_are_cut_at_the_front() {
        let name = format!("<{} as core::fmt::Write>::write_str", "module::".repeat(30));
        let text = chain(&["_start".to_owned(), name], 60);
        assert!(text.chars().count() <= 60 && text.ends_with("Write>::write_str"), "{text}");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Columns::new(["n", "name"]);
        table.row(["7".into(), "x".into()], &names("a b"));
        table.row(["100".into(), "long".into()], &[]);
        let mut text = String::new();
        table.write(&mut text, 1, "chain");
        assert_eq!(text, "   n  name  chain\n   7  x     a > b\n 100  long\n");
    }
}
