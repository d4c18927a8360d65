//! Which read-only data reachable code can get at: a function pointer counts only if its holder does.
//!
//! Data is cut into pieces: with symbols into objects, without into sections. A piece is live when reachable code makes
//! or uses an address in it, or when live data, or the unwinder's tables, hold one. Only constants (`.rodata`,
//! `.data.rel.ro`) are cut: variables may be merged by compilers behind one base address, linker sets are walked from
//! their ends, and thread-local data is copied unseen, so all other data is live.

use super::code::Code;
use super::pointers::data_words;
use crate::address::{Address, AddressRange};
use crate::elf::{AppElf, ElfKind, Section, SymbolKind};

/// See the module.
pub(super) struct Holders {
    /// Ascending and disjoint.
    pieces: Vec<Piece>,
    /// Words in pieces that are addresses in pieces: holder and target, ascending.
    words: Vec<(u64, u64)>,
    by_object: bool,
}

struct Piece {
    start: u64,
    end: u64,
    live: bool,
}

impl Holders {
    /// The pieces of `code`'s constants, live as far as other data holds their addresses.
    pub fn new(code: &Code<'_>) -> Holders {
        let by_object = code.elf.symbols.iter().any(|symbol| symbol.kind == SymbolKind::Object);
        let pieces = match (code.has_constants(), by_object) {
            (false, _) => Vec::new(),
            (true, true) => objects(code.elf),
            (true, false) => sections(code.elf),
        };
        let mut holders = Holders { pieces, words: Vec::new(), by_object };
        if holders.pieces.is_empty() {
            return holders;
        }
        let mut roots = Vec::new();
        for (holder, target) in data_words(code) {
            match (holders.piece(holder), holders.piece(target)) {
                (_, None) => {}
                (None, Some(_)) => roots.push(target),
                (Some(_), Some(_)) => holders.words.push((holder, target)),
            }
        }
        holders.words.sort_unstable();
        roots.extend(exception_table_words(code.elf));
        for root in roots {
            holders.mark(root, root);
        }
        holders
    }

    fn piece(&self, address: u64) -> Option<usize> {
        let index = self.pieces.partition_point(|piece| piece.end <= address);
        self.pieces.get(index).filter(|piece| piece.start <= address).map(|_| index)
    }

    /// Whether code can get at the word at `holder`.
    pub fn is_live(&self, holder: Address) -> bool {
        self.piece(holder.0).is_none_or(|index| self.pieces[index].live)
    }

    /// Code can get at what lies in `lowest..=highest`, or ends at `lowest`; whether that is new.
    pub fn mark(&mut self, lowest: u64, highest: u64) -> bool {
        let mut news = false;
        let mut work = vec![(lowest, highest)];
        while let Some((lowest, highest)) = work.pop() {
            let first = self.pieces.partition_point(|piece| piece.end < lowest);
            for piece in &mut self.pieces[first..] {
                if piece.start > highest {
                    break;
                }
                if std::mem::replace(&mut piece.live, true) {
                    continue;
                }
                news = true;
                let first = self.words.partition_point(|&(holder, _)| holder < piece.start);
                let inside = self.words[first..].iter().take_while(|&&(holder, _)| holder < piece.end);
                work.extend(inside.map(|&(_, target)| (target, target)));
            }
        }
        news
    }

    /// How the data was cut, in a few words.
    pub fn rule(&self) -> &'static str {
        match (self.pieces.is_empty(), self.by_object) {
            (true, _) => "all data is live",
            (false, true) => "constants by object",
            (false, false) => "constants by section",
        }
    }
}

/// Sections of constants that only references lead to.
pub(super) fn constant_sections(elf: &AppElf) -> impl Iterator<Item = &Section> {
    let prefixes = [".rodata", ".srodata", ".data.rel.ro"];
    elf.sections.iter().filter(move |section| prefixes.iter().any(|prefix| section.name.starts_with(prefix)))
}

/// The constant sections, each a piece.
fn sections(elf: &AppElf) -> Vec<Piece> {
    disjoint(constant_sections(elf).map(|section| section.range).collect())
}

/// The objects in constant sections, overlapping ones put together.
fn objects(elf: &AppElf) -> Vec<Piece> {
    let sections: Vec<AddressRange> = constant_sections(elf).map(|section| section.range).collect();
    let objects = elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Object && symbol.size.0 > 0);
    let ranges = objects.filter_map(|symbol| AddressRange::new(symbol.address, symbol.size));
    disjoint(ranges.filter(|range| sections.iter().any(|section| section.covers(*range))).collect())
}

fn disjoint(mut ranges: Vec<AddressRange>) -> Vec<Piece> {
    ranges.sort_by_key(|range| range.start());
    let mut pieces: Vec<Piece> = Vec::new();
    for range in ranges {
        let (start, end) = (range.start().0, range.end().0);
        match pieces.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(end),
            _ => pieces.push(Piece { start, end, live: false }),
        }
    }
    pieces
}

/// Whatever could be an address in the tables that the unwinder reads: a word of four bytes, alone or counted from its
/// own place, at any offset (Itanium C++ ABI, "Exception Handling Tables": the encoding is chosen table by table).
fn exception_table_words(elf: &AppElf) -> Vec<u64> {
    let tables = elf.sections.iter().filter(|section| section.name.starts_with(".gcc_except_table"));
    let mut words = Vec::new();
    for table in tables {
        let start = table.range.start();
        let size = usize::try_from(table.range.size().0).unwrap_or(0);
        let Some(bytes) = elf.bytes_from(start).and_then(|bytes| bytes.get(..size)) else { continue };
        for (offset, word) in bytes.windows(4).enumerate() {
            let word = i32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            words.push(start.0.wrapping_add(offset as u64).wrapping_add_signed(word.into()));
            if elf.kind == ElfKind::Executable {
                words.push(u64::from(word as u32));
            }
        }
    }
    words
}
