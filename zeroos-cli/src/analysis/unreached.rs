//! Instructions of functions that nothing was seen to reach: a word in data that points into one of them is no address.
//!
//! A function is walked from where one plausibly starts, over branches and plain jumps, as far as it goes without a jump
//! that would have to be understood. What lies on no such path says nothing: it may be data, and what comes behind it
//! may start anywhere. Nor does a function on one of whose paths something lies that is no instruction, or the start of the next
//! function in the middle of one: the path led into data, behind a call that does not return.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::code::Code;
use crate::isa::{ControlFlow, Register};

/// Halfwords walked in all, for each that there is: functions that were guessed wrong may lie in each other.
const WORK_LIMIT: usize = 2;

/// Functions that were walked.
#[derive(Default)]
pub(super) struct Unreached {
    /// By start: where instructions start, and where they go on in their middle.
    walked: BTreeMap<u64, Walked>,
    work: usize,
}

#[derive(Default)]
struct Walked {
    starts: BTreeSet<u64>,
    middles: BTreeSet<u64>,
}

impl Unreached {
    /// Whether `address` lies inside an instruction of what starts at the first address of `extent` and ends with it.
    pub fn splits(&mut self, address: u64, extent: Range<u64>, code: &Code<'_>) -> bool {
        if !extent.contains(&address) {
            return false;
        }
        let work = &mut self.work;
        let walked = self.walked.entry(extent.start).or_insert_with(|| {
            let mut limit = (WORK_LIMIT * code.slots()).saturating_sub(*work);
            let walked = Walked::of(&extent, code, &mut limit);
            *work = (WORK_LIMIT * code.slots()).saturating_sub(limit);
            walked
        });
        walked.middles.contains(&address) && !walked.starts.contains(&address)
    }
}

impl Walked {
    fn of(extent: &Range<u64>, code: &Code<'_>, limit: &mut usize) -> Walked {
        let mut walked = Walked::default();
        let mut pending = vec![extent.start];
        while let Some(start) = pending.pop() {
            let mut at = start;
            while extent.contains(&at) && !walked.starts.contains(&at) {
                let instruction = code.fetch(at).filter(|one| at.wrapping_add(one.length.into()) <= extent.end);
                let Some(instruction) = instruction.filter(|_| *limit > 0) else { return Walked::default() };
                *limit -= 1;
                walked.starts.insert(at);
                if instruction.length == 4 {
                    walked.middles.insert(at.wrapping_add(2));
                }
                match instruction.flow() {
                    ControlFlow::Next | ControlFlow::EnvironmentCall => {}
                    ControlFlow::Branch(offset) => pending.push(at.wrapping_add_signed(offset.into())),
                    ControlFlow::Jump(_) | ControlFlow::IndirectJump if instruction.rd() != Register::ZERO => {}
                    ControlFlow::Jump(offset) => {
                        pending.push(at.wrapping_add_signed(offset.into()));
                        break;
                    }
                    ControlFlow::IndirectJump | ControlFlow::Trap => break,
                }
                at = at.wrapping_add(instruction.length.into());
            }
        }
        walked
    }
}
