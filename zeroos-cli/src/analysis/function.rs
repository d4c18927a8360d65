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
    /// What jumps inside the function reach: mostly from its entry to where the next function plausibly starts.
    pub extent: Range<u64>,
    /// Its blocks, in the order in which they were found.
    pub blocks: Vec<BlockId>,
    /// Whether control can come back to its caller by itself.
    pub returns: bool,
    /// Who first led to it; the program's entry has no origin.
    pub origin: Option<Origin>,
    /// Code addresses that it computes or loads from constant memory.
    pub code_references: BTreeSet<u64>,
    /// Jumps inside the function that are not understood: they may go to any of its instructions.
    pub unbounded_jumps: BTreeSet<u64>,
    /// Whether a jump was met that is not understood as long as the function is taken to end where it is now.
    pub is_too_short: bool,
    /// Whether its extent is as large as it can be.
    pub is_widened: bool,
    /// Blocks that end in a jump to an unknown place, where data holds words that may be labels, until all other code was followed.
    pub waiting_jumps: Vec<BlockId>,
    /// Whether it was.
    pub is_followed: bool,
    /// Jumps that were not understood once: what looks like their label in a larger extent may be another function.
    pub lost_jumps: BTreeSet<u64>,
    /// Whether an address of its own code is an operand of arithmetic whose result is not known.
    pub calculates_with_code: bool,
    /// Whether it makes addresses: from its own place (`auipc`), from gp or by loading a constant. In a program that can be moved, the
    /// constants of one that does not are mere numbers.
    pub makes_addresses: bool,
    /// Jump tables read: start and end address.
    pub tables: BTreeSet<(u64, u64)>,
    /// Blocks that end in a jump to an unknown place.
    pub computed_jumps: BTreeSet<BlockId>,
    /// Blocks that end in a jump by several tables, one for each path that leads there.
    pub shared_jumps: BTreeSet<BlockId>,
    /// Out-of-line save routines (`jal t0`) that run as part of this function: start and limit.
    pub inlined: Vec<(u64, u64)>,
    /// Registers that it stores in its frame before it changes them, or loads from there.
    pub saved: RegisterSet,
    /// Blocks to run.
    pub pending: Vec<BlockId>,
    /// Whether it waits to be explored.
    pub queued: bool,
    /// Blocks of other functions that end in a call of it and go on only if it returns.
    pub awaited_by: Vec<BlockId>,
    /// Functions that return if it does.
    pub returned_by: Vec<FunctionId>,
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
    /// A function of which only the entry and the limit are known.
    pub fn new(entry: u64, limit: u64, origin: Option<Origin>) -> Function {
        Function {
            entry,
            extent: entry..limit,
            saved: RegisterSet::EMPTY,
            blocks: Vec::new(),
            returns: false,
            origin,
            code_references: BTreeSet::new(),
            unbounded_jumps: BTreeSet::new(),
            is_too_short: false,
            is_widened: false,
            waiting_jumps: Vec::new(),
            is_followed: false,
            lost_jumps: BTreeSet::new(),
            calculates_with_code: false,
            makes_addresses: false,
            tables: BTreeSet::new(),
            computed_jumps: BTreeSet::new(),
            shared_jumps: BTreeSet::new(),
            inlined: Vec::new(),
            pending: Vec::new(),
            queued: false,
            awaited_by: Vec::new(),
            returned_by: Vec::new(),
        }
    }

    /// Whether a jump to `target` stays in the function.
    pub fn is_inside(&self, target: u64) -> bool {
        self.extent.contains(&target) || self.inlined.iter().any(|&(start, limit)| (start..limit).contains(&target))
    }
}
