//! A basic block: what is known of it whatever else there is.

use super::exit::{BlockId, Exit, FunctionId};
use crate::isa::{ControlFlow, Effects, Register, RegisterSet};

/// A basic block. Calls end blocks, `ecall`s do not. There are many, so it is small.
#[derive(Debug)]
pub(super) struct Block {
    /// How it ends.
    pub exit: Exit,
    /// Its first instruction.
    pub start: u64,
    /// Its length and what it waits for.
    pub progress: Progress,
    /// The function that it belongs to. Code that several functions run into has a block for each.
    pub function: FunctionId,
    /// What it does with registers.
    pub effects: BlockEffects,
    /// Where the values of the registers lie of which something is known.
    pub values: u32,
    /// The block that was found before it in the same group of slots.
    pub before: Option<BlockId>,
}

impl Block {
    /// The first address behind it.
    pub fn end(&self) -> u64 {
        self.start.wrapping_add(2 * u64::from(self.progress.0 & Progress::LENGTH))
    }

    /// It ends right before `end`.
    pub fn set_end(&mut self, end: u64) {
        let length = (end.wrapping_sub(self.start) / 2) as u32 & Progress::LENGTH;
        self.progress.0 = self.progress.0 & !Progress::LENGTH | length;
    }

    /// How often it was run: more often than 127 times is 127 times.
    pub fn visits(&self) -> u8 {
        self.progress.visits()
    }

    /// Whether it stands for a function that was only swept, see [`Blocks::add_swept`].
    pub fn is_swept(&self) -> bool {
        self.progress.0 & Progress::SWEPT != 0
    }

    /// It is run, and no longer waits for it.
    pub fn visit(&mut self) {
        self.progress.visit();
    }

    /// It waits to be run; whether that is new.
    pub fn queue(&mut self) -> bool {
        let is_new = self.progress.0 & Progress::QUEUED == 0;
        self.progress.0 |= Progress::QUEUED;
        is_new
    }
}

/// A block's length in halfwords, whether it waits to be run, whether another block may have its values at the same
/// place, whether it stands for a function that was only swept, and how often it was run, from the lowest bit on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress(u32);

impl Progress {
    /// Of a block that stands for a function that was only swept.
    pub const OF_SWEPT: Progress = Progress(Progress::SWEPT);
    const LENGTH: u32 = (1 << 22) - 1;
    const QUEUED: u32 = 1 << 22;
    const SHARED: u32 = 1 << 23;
    const SWEPT: u32 = 1 << 24;
    /// Its lowest bit.
    const VISITS: u32 = 25;

    fn visits(self) -> u8 {
        (self.0 >> Progress::VISITS) as u8
    }

    fn visit(&mut self) {
        self.0 &= !Progress::QUEUED;
        self.0 = self.0.checked_add(1 << Progress::VISITS).unwrap_or(self.0);
    }

    /// Whether another block may have its values at the same place.
    pub fn is_shared(self) -> bool {
        self.0 & Progress::SHARED != 0
    }

    /// Whether another block may have its values at the same place from now on.
    pub fn set_shared(&mut self, shared: bool) {
        self.0 = self.0 & !Progress::SHARED | if shared { Progress::SHARED } else { 0 };
    }
}

/// Longer runs of instructions, in bytes, are more than one block.
pub(super) const LONGEST: u64 = 1 << 22;

/// What a run of instructions does with registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct BlockEffects {
    /// Read before written.
    pub reads: RegisterSet,
    /// Written.
    pub writes: RegisterSet,
}

impl BlockEffects {
    /// Appends an instruction, which has these `effects`.
    pub fn add(&mut self, mut effects: Effects) {
        if effects.flow == ControlFlow::EnvironmentCall {
            // The kernel reads the number and up to six arguments; a0 comes back changed.
            effects.uses = SYSTEM_CALL_ARGUMENTS;
            effects.defines = RegisterSet::EMPTY.with(Register::A0);
        }
        self.reads = self.reads.union(effects.uses.minus(self.writes));
        self.writes = self.writes.union(effects.defines);
    }
}

/// a0–a5 and a7.
const SYSTEM_CALL_ARGUMENTS: RegisterSet = {
    let mut set = RegisterSet::EMPTY.with(Register::A7);
    let mut number = 10;
    while number <= 15 {
        set = set.with(Register::new(number));
        number += 1;
    }
    set
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_small_and_many_visits_disturb_nothing_else() {
        assert_eq!(size_of::<Block>(), 48);
        let mut progress = Progress(Progress::LENGTH | Progress::SHARED);
        (0..300).for_each(|_| progress.visit());
        assert_eq!(
            (progress.visits(), progress.is_shared(), progress.0 & Progress::LENGTH),
            (127, true, Progress::LENGTH)
        );
    }
}
