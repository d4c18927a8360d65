//! Reading instructions one after another.

use std::cell::Cell;

use crate::isa::{self, Instruction};

/// A place in code from which instructions are read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    /// The address of the next instruction.
    pub at: u64,
    /// The number of its first halfword, see [`Code::slot`].
    pub slot: usize,
    /// The code from there on.
    pub rest: &'a [u8],
    /// Whether instructions are 4 bytes long, on multiples of 4.
    pub whole_words: bool,
    /// Where to note that one is not.
    pub met_halves: Option<&'a Cell<bool>>,
}

impl Iterator for Cursor<'_> {
    type Item = (u64, Instruction);

    /// The next instruction; stays where it is at unknown encodings and at the end of the text.
    #[inline]
    fn next(&mut self) -> Option<(u64, Instruction)> {
        let instruction = isa::decode(self.rest)?;
        if self.whole_words && instruction.length != 4 {
            self.met_halves.inspect(|met| met.set(true));
            return None;
        }
        let at = self.at;
        self.advance(instruction.length.into());
        Some((at, instruction))
    }
}

impl Cursor<'_> {
    fn advance(&mut self, bytes: usize) {
        self.at += bytes as u64;
        self.slot += bytes / 2;
        self.rest = &self.rest[bytes..];
    }

    /// The next instruction behind whatever cannot be decoded.
    pub fn resynchronised(&mut self) -> Option<(u64, Instruction)> {
        // What lies between functions need not be code.
        self.met_halves = None;
        let unit = if self.whole_words { 4 } else { 2 };
        loop {
            match self.next() {
                None if self.rest.len() >= unit => self.advance(unit),
                found => return found,
            }
        }
    }
}
