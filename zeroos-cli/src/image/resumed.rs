//! The layout of an image that starts where a snapshot was taken: writable memory as it was then, and the code that loads the
//! registers as its entry.

use std::collections::BTreeMap;
use std::mem::offset_of;

use kernel_fragments::thread::Frame;

use super::layout::{Layout, Origin, Piece};
use super::{ImageError, SAVED};
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::Permissions;
use crate::isa::{Instruction, Op, Register};
use crate::linux::SyscallNumber;
use crate::plan::{Plan, RESUME};

/// Pieces that an image should not exceed: loaders have limits.
const MOST_PIECES: usize = 200;
const PAGE: u64 = 4096;
/// How pieces are called that hold what the run wrote to memory of no other piece.
const MEMORY: &str = ".memory";

/// The state of a run right before a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The `ecall`, or the jump in its place.
    pub site: Address,
    /// The last instruction before the kernel's: that one, or in a stub the last of those that moved there from before it.
    pub pc: Address,
    /// The call.
    pub number: SyscallNumber,
    /// Instructions that were executed before it.
    pub executed: u64,
    /// x0–x31.
    pub x: [u64; 32],
    /// f0–f31, raw bits.
    pub f: [u64; 32],
    /// The scratch CSR: the running thread. This and the next two where the machine has CSRs.
    pub scratch: u64,
    /// Rounding mode and accrued exceptions.
    pub fcsr: u64,
    /// `mstatus.FS`, in its place.
    pub float_status: u64,
    /// Every page of writable memory that is not zero, or the part of one, ascending.
    pub pages: Vec<(Address, Vec<u8>)>,
}

impl Layout {
    /// This layout, started already.
    ///
    /// # Errors
    /// A kernel without the code that goes on.
    pub fn resumed(&self, plan: &Plan, snapshot: &Snapshot) -> Result<Layout, ImageError> {
        let symbol = |name: &str| {
            let found = self.kernel_symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.address);
            found.ok_or_else(|| ImageError::Kernel { what: format!("it has no `{name}`") })
        };
        let mut layout = self.clone();
        layout.entry = symbol(RESUME)?;
        layout.begin_by_jump(self.entry)?;
        let memory = Memory(snapshot.pages.iter().map(|(address, page)| (address.0, page.as_slice())).collect());
        let pieces = layout.pieces.iter_mut().filter(|piece| piece.permissions.write && !is_stack(piece));
        for piece in pieces {
            piece.bytes = memory.read(piece.range);
            let last = piece.bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            piece.bytes.truncate(last);
        }
        layout.pieces.extend(others(&self.pieces, &memory));
        layout.pieces.sort_by_key(|piece| piece.range);
        if plan.platform.loader.separate_pages {
            layout.join_neighbours();
        }

        let saved = symbol(SAVED)?;
        let words = self.saved_words(plan, snapshot)?;
        let piece = layout.pieces.iter_mut().find(|piece| piece.range.contains(saved));
        let piece = piece.ok_or_else(|| ImageError::Kernel { what: format!("`{SAVED}` is nowhere") })?;
        let offset = (saved - piece.range.start()).0 as usize;
        let end = offset + 8 * words.len();
        piece.bytes.resize(piece.bytes.len().max(end), 0);
        for (slot, word) in piece.bytes[offset..end].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Ok(layout)
    }

    /// Makes one piece of writable neighbours of which one is memory that the run wrote: they share a page.
    fn join_neighbours(&mut self) {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in std::mem::take(&mut self.pieces) {
            let is_memory = |piece: &Piece| piece.name.starts_with(MEMORY);
            match joined.last_mut() {
                Some(last)
                    if last.range.end() == piece.range.start()
                        && last.permissions.write
                        && piece.permissions.write
                        && (is_memory(last) || is_memory(&piece))
                        && !is_stack(last)
                        && !is_stack(&piece) =>
                {
                    last.bytes.resize(last.range.size().0 as usize, 0);
                    last.bytes.extend(piece.bytes);
                    last.range = AddressRange::between(last.range.start(), piece.range.end()).unwrap_or(last.range);
                }
                _ => joined.push(piece),
            }
        }
        self.pieces = joined;
    }

    /// Puts a jump to the entry in place of the instruction at `start`, the bootloader's first: some machines start there,
    /// whatever the entry is (QEMU's `virt` board without firmware).
    fn begin_by_jump(&mut self, start: Address) -> Result<(), ImageError> {
        let unusable = || ImageError::Kernel { what: "its bootloader cannot be replaced by a jump".into() };
        let distance = i32::try_from(self.entry.0.wrapping_sub(start.0).cast_signed()).map_err(|_| unusable())?;
        let jump = Instruction::new(Op::Jal, Register::ZERO, Register::ZERO, Register::ZERO, distance).encode();
        let jump = jump.ok_or_else(unusable)?.to_le_bytes();
        let piece = self.pieces.iter_mut().find(|piece| piece.range.contains(start)).ok_or_else(unusable)?;
        let offset = (start - piece.range.start()).0 as usize;
        let place = piece.bytes.get_mut(offset..offset + jump.len()).ok_or_else(unusable)?;
        place.copy_from_slice(&jump);
        Ok(())
    }

    /// The registers as a [`Frame`]. Its continuation is the scratch CSR, and the place that is for the status CSR's FS; on a machine without
    /// CSRs it is the code that makes the call.
    fn saved_words(&self, plan: &Plan, snapshot: &Snapshot) -> Result<Vec<u64>, ImageError> {
        let mut words = vec![0; size_of::<Frame>() / 8];
        let word = |offset: usize| offset / 8;
        words[word(offset_of!(Frame, x))..][..32].copy_from_slice(&snapshot.x);
        words[0] = snapshot.pc.0;
        words[word(offset_of!(Frame, f))..][..32].copy_from_slice(&snapshot.f);
        words[word(offset_of!(Frame, fcsr))] = snapshot.fcsr;
        words[word(offset_of!(Frame, continues_at))] = snapshot.float_status;
        words[word(offset_of!(Frame, continuation))] = if plan.platform.has_trap_csrs() {
            snapshot.scratch
        } else {
            let stub = self.stubs.iter().find(|stub| stub.site == snapshot.site);
            let again = stub.and_then(|stub| stub.continuations).map(|[_, again]| again.0);
            again.ok_or_else(|| ImageError::Stub { site: snapshot.site, what: "nothing can go on there".into() })?
        };
        Ok(words)
    }
}

/// What the kernel's stack holds does not matter while the program runs.
fn is_stack(piece: &Piece) -> bool {
    piece.origin == Origin::Kernel && piece.bytes.is_empty()
}

/// Memory that lies in none of `pieces`, as pieces: neighbours joined, with gaps if there would be too many.
fn others(pieces: &[Piece], memory: &Memory<'_>) -> Vec<Piece> {
    let mut ranges: Vec<AddressRange> = Vec::new();
    for (&start, page) in &memory.0 {
        let (page, end) = (Address(start), Address(start + page.len() as u64));
        let mut next = page;
        for piece in pieces.iter().filter(|piece| piece.range.end() > page && piece.range.start() < end) {
            ranges.extend(AddressRange::between(next, piece.range.start().max(next)));
            next = piece.range.end();
        }
        ranges.extend(AddressRange::between(next, end));
    }
    // Of a page that a piece shares with nothing, the rest is zero.
    ranges.retain(|&range| memory.read(range).iter().any(|&byte| byte != 0));
    let mut gap = 0;
    loop {
        let joined = joined(&ranges, pieces, gap);
        if joined.len() + pieces.len() <= MOST_PIECES || gap > 1 << 40 {
            let piece = |(index, range): (usize, AddressRange)| Piece {
                name: format!("{MEMORY}.{index}"),
                origin: Origin::Builder,
                range,
                bytes: memory.read(range),
                permissions: Permissions { read: true, write: true, execute: false },
            };
            return joined.into_iter().enumerate().map(piece).collect();
        }
        gap = (2 * gap).max(PAGE);
    }
}

/// `ranges`, those joined that are at most `gap` bytes apart and have no piece between them.
fn joined(ranges: &[AddressRange], pieces: &[Piece], gap: u64) -> Vec<AddressRange> {
    let mut joined: Vec<AddressRange> = Vec::new();
    for &range in ranges {
        if let Some(last) = joined.last_mut()
            && (range.start() - last.end()).0 <= gap
            && let Some(both) = AddressRange::between(last.start(), range.end())
            && !pieces.iter().any(|piece| piece.range.overlaps(both))
        {
            *last = both;
            continue;
        }
        joined.push(range);
    }
    joined
}

/// Pages and parts of pages by address; all other memory is zero.
struct Memory<'a>(BTreeMap<u64, &'a [u8]>);

impl Memory<'_> {
    fn read(&self, range: AddressRange) -> Vec<u8> {
        let ByteCount(size) = range.size();
        let mut bytes = vec![0; size as usize];
        let first = range.start().align_down(PAGE).0;
        for (&address, page) in self.0.range(first..range.end().0) {
            let from = range.start().0.max(address);
            let to = range.end().0.min(address + page.len() as u64);
            if from < to {
                let source = &page[(from - address) as usize..(to - address) as usize];
                bytes[(from - range.start().0) as usize..][..source.len()].copy_from_slice(source);
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> AddressRange {
        AddressRange::between(Address(start), Address(end)).unwrap()
    }

    fn piece(range: AddressRange) -> Piece {
        let permissions = Permissions { read: true, write: true, execute: false };
        Piece { name: String::new(), origin: Origin::Program, range, bytes: Vec::new(), permissions }
    }

    #[test]
    fn memory_beside_pieces_becomes_pieces() {
        let mut half = [0; 4096];
        half[..2048].fill(7);
        let pages = [(0x1000, [1; 4096]), (0x2000, [2; 4096]), (0x5000, [5; 4096]), (0x7000, half)];
        let memory = Memory(pages.iter().map(|(address, page)| (*address, &page[..])).collect());
        let pieces = [piece(range(0x1800, 0x1a00)), piece(range(0x2f00, 0x4000)), piece(range(0x7000, 0x7800))];
        let others: Vec<AddressRange> = others(&pieces, &memory).iter().map(|piece| piece.range).collect();
        let expected = [range(0x1000, 0x1800), range(0x1a00, 0x2f00), range(0x5000, 0x6000)];
        assert_eq!(others, expected);
        assert_eq!(memory.read(range(0x1ffe, 0x2002)), [1, 1, 2, 2]);
        assert_eq!(memory.read(range(0x2fff, 0x3001)), [2, 0]);
    }
}
