//! What stands in the place of an `ecall`: the ways to a stub.

use super::entries::DirectEntry;
use crate::address::{Address, AddressRange, ByteCount};
use crate::isa::{Instruction, Op, Register, split_displacement};
use crate::linux::SyscallNumber;

/// What stands in the place of an `ecall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jump {
    /// `jal link, stub`, or `j stub`
    Near,
    /// `auipc temporary, …` in place of the four bytes before the `ecall`, and `jr …(temporary)`.
    Far {
        /// Dead before and after.
        temporary: Register,
        /// What stood there.
        replaced: Before,
    },
    /// `j island`, and there `auipc temporary, …` and `jr …(temporary)`, in place of eight bytes that nobody executes or reads.
    Island {
        /// Dead before and after.
        temporary: Register,
        /// Where these two stand, in the image.
        island: Address,
    },
}

impl Jump {
    /// The temporary by which it goes far, and by which the stub comes back.
    pub fn temporary(self) -> Option<Register> {
        match self {
            Jump::Near => None,
            Jump::Far { temporary, .. } | Jump::Island { temporary, .. } => Some(temporary),
        }
    }

    /// What it takes the place of at `site`.
    pub fn at_site(self, site: Address) -> Option<AddressRange> {
        match self {
            Jump::Near | Jump::Island { .. } => AddressRange::new(site, ByteCount(4)),
            Jump::Far { .. } => AddressRange::new(site.offset(-INSTRUCTION), ByteCount(8)),
        }
    }

    /// What it takes the place of elsewhere.
    pub fn island(self) -> Option<AddressRange> {
        match self {
            Jump::Near | Jump::Far { .. } => None,
            Jump::Island { island, .. } => AddressRange::new(island, ByteCount(ISLAND)),
        }
    }
}

/// What a far jump replaces beside the `ecall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    /// `li a7, number`: the stub knows it.
    Number(SyscallNumber),
    /// One instruction of four bytes, or two of two, which the stub begins with.
    Moved(Instruction, Option<Instruction>),
}

impl Before {
    /// The instructions that the stub begins with.
    pub fn moved(self) -> impl Iterator<Item = Instruction> {
        let (first, second) = match self {
            Before::Number(_) => (None, None),
            Before::Moved(first, second) => (Some(first), second),
        };
        first.into_iter().chain(second)
    }
}

impl DirectEntry {
    /// The addresses of replaced bytes and the replacing ones, for the site at `site` in the image; `None` if the stub is out of
    /// reach after all.
    pub fn patches(&self, site: Address) -> Option<Vec<(Address, Vec<u8>)>> {
        let zero = Register::ZERO;
        let link = self.link.unwrap_or(zero);
        let word = |op, rd, rs1, immediate| Instruction::new(op, rd, rs1, zero, immediate).encode();
        let near = |to| {
            let displacement = i32::try_from(displacement(site, to)).ok()?;
            Some((site, word(Op::Jal, link, zero, displacement)?.to_le_bytes().to_vec()))
        };
        let far = |start, temporary| {
            let (high, low) = split_displacement(displacement(start, self.stub.start()))?;
            let words = [word(Op::Auipc, temporary, zero, high)?, word(Op::Jalr, link, temporary, low)?];
            Some((start, words.map(u32::to_le_bytes).concat()))
        };
        Some(match self.jump {
            Jump::Near => vec![near(self.stub.start())?],
            Jump::Far { temporary, .. } => vec![far(site.offset(-INSTRUCTION), temporary)?],
            Jump::Island { temporary, island } => vec![near(island)?, far(island, temporary)?],
        })
    }
}

/// Bytes of an uncompressed instruction.
pub(super) const INSTRUCTION: i64 = 4;

/// Bytes of an island: two instructions.
pub(super) const ISLAND: u64 = 8;

/// How far `jal` reaches (ISA manual, "Unconditional Jumps"), bytes; a little less, so that both ways fit.
pub(super) const NEAR: i64 = (1 << 20) - 4096;

/// From `from` to `to`, in bytes.
pub(super) fn displacement(from: Address, to: Address) -> i64 {
    to.0.wrapping_sub(from.0).cast_signed()
}
