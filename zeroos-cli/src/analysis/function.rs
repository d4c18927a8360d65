//! What is known of one function while the program's code is being found.

use std::collections::BTreeSet;
use std::ops::Range;

use super::exit::{BlockId, FunctionId};
use crate::address::Address;
use crate::isa::RegisterSet;

/// A function's code and what it refers to.
#[derive(Debug)]
pub(super) struct Function {
    /// Its first instruction.
    pub entry: u64,
    /// Its blocks, in the order in which they were found.
    pub blocks: Vec<BlockId>,
    /// Who first led to it; the program's entry has no origin.
    pub origin: Option<Origin>,
    /// Code addresses that it computes or loads from constant memory.
    pub code_references: BTreeSet<u64>,
    /// Jumps inside the function that are not understood: they may go to any of its instructions.
    pub unbounded_jumps: BTreeSet<u64>,
    /// Registers that it stores in its frame before it changes them, or loads from there.
    pub saved: RegisterSet,
    /// Whether it makes addresses: from its own place (`auipc`), from gp or by loading a constant. In a program that can be moved, the
    /// constants of one that does not are mere numbers.
    pub makes_addresses: bool,
}

/// What matters of a function only while code is being found.
#[derive(Debug, Default)]
pub(super) struct Exploration {
    /// What jumps inside the function reach: mostly from its entry to where the next function plausibly starts.
    pub extent: Range<u64>,
    /// Blocks to run.
    pub pending: Vec<BlockId>,
    /// Blocks of other functions that end in a call of it and go on only if it returns.
    pub awaited_by: Vec<BlockId>,
    /// Functions that return if it does.
    pub returned_by: Vec<FunctionId>,
    /// What few functions have.
    jumps: Option<Box<Jumps>>,
    /// Whether control can come back to its caller by itself.
    pub returns: bool,
    /// Whether it has to be explored where it might also just be swept.
    pub is_wanted: bool,
    /// Whether it waits to be explored.
    pub queued: bool,
    /// Whether a jump was met that is not understood as long as the function is taken to end where it is now.
    pub is_too_short: bool,
    /// Whether its extent is as large as it can be.
    pub is_widened: bool,
    /// Whether all other code was followed, so that words in data that point into an instruction are known to be no labels.
    pub is_followed: bool,
    /// Whether an address of its own code is an operand of arithmetic whose result is not known.
    pub calculates_with_code: bool,
}

/// Jumps of a function that do not go to one known place.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    /// Those that were not understood once: what looks like their label in a larger extent may be another function.
    pub lost: BTreeSet<u64>,
    /// Jump tables read: start and end address.
    pub tables: BTreeSet<(u64, u64)>,
    /// Blocks that end in a jump to an unknown place.
    pub computed: BTreeSet<BlockId>,
    /// Where these may lead to in the function.
    pub labels: BTreeSet<u64>,
    /// Blocks that end in a jump to an unknown place, where data holds words that may be labels, until all other code was followed.
    pub waiting: Vec<BlockId>,
    /// Blocks that end in a jump by several tables, one for each path that leads there.
    pub shared: BTreeSet<BlockId>,
    /// Out-of-line save routines (`jal t0`) that run as part of this function: start and limit.
    pub inlined: Vec<(u64, u64)>,
}

/// Who first led to a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// This function calls it, jumps to it or takes its address.
    Function(FunctionId),
    /// The word at this address holds its address.
    Data(Address),
}

impl Function {
    /// A function of which only the entry is known.
    pub fn new(entry: u64, origin: Option<Origin>) -> Function {
        Function {
            entry,
            blocks: Vec::new(),
            origin,
            code_references: BTreeSet::new(),
            unbounded_jumps: BTreeSet::new(),
            saved: RegisterSet::EMPTY,
            makes_addresses: false,
        }
    }
}

impl Exploration {
    /// Of a function that waits to be explored, in `extent`.
    pub fn new(extent: Range<u64>) -> Exploration {
        Exploration { extent, queued: true, ..Exploration::default() }
    }

    /// Its jumps that do not go to one known place, if it has any.
    pub fn jumps(&self) -> Option<&Jumps> {
        self.jumps.as_deref()
    }

    /// The same, to add one.
    pub fn jumps_mut(&mut self) -> &mut Jumps {
        self.jumps.get_or_insert_default()
    }

    /// The blocks that end in a jump to an unknown place.
    pub fn computed_jumps(&self) -> impl Iterator<Item = BlockId> {
        self.jumps().into_iter().flat_map(|jumps| &jumps.computed).copied()
    }

    /// Whether a jump to `target` stays in the function.
    pub fn is_inside(&self, target: u64) -> bool {
        let inlined = || self.jumps().into_iter().flat_map(|jumps| &jumps.inlined);
        self.extent.contains(&target) || inlined().any(|&(start, limit)| (start..limit).contains(&target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_of_every_function_is_small() {
        assert!(size_of::<Function>() <= 112 && size_of::<Exploration>() <= 112);
    }
}
