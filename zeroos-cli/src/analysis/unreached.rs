//! Instructions of functions that nothing was seen to reach: a word in data that points into one of them is no address.
//!
//! A function is walked from where one plausibly starts, or the unwinder's tables say so, and from its landing pads,
//! over branches and plain jumps, as far as it goes without a jump that would have to be understood. What lies on no
//! such path says nothing: it may be data, and what comes behind it may start anywhere. Nor does a function on one of
//! whose paths something lies that is no instruction, or the start of the next function in the middle of one: the path
//! led into data, behind a call that does not return.

use std::collections::BTreeMap;
use std::ops::Range;

use rustc_hash::FxHashSet;

use super::code::Code;
use crate::isa::{ControlFlow, Register};

/// Halfwords walked in all, for each that there is: functions that were guessed wrong may lie in each other.
const WORK_LIMIT: usize = 2;

/// Functions that were walked.
#[derive(Default)]
pub(super) struct Unreached {
    /// By start: at which distances from it instructions go on in their middle.
    middles: BTreeMap<u64, Vec<u32>>,
    work: usize,
}

impl Unreached {
    /// Whether `address` lies inside an instruction of what starts at the first address of `extent`, or at `pads`, and
    /// ends with it.
    pub fn splits(
        &mut self,
        address: u64,
        extent: Range<u64>,
        pads: impl Iterator<Item = u64>,
        code: &Code<'_>,
    ) -> bool {
        if code.whole_words || !extent.contains(&address) {
            return false;
        }
        let Ok(distance) = u32::try_from(address - extent.start) else { return false };
        let Unreached { middles, work } = self;
        let middles = middles.entry(extent.start).or_insert_with(|| {
            let entries = std::iter::once(extent.start).chain(pads).collect();
            walk(&extent, entries, code, work).unwrap_or_default()
        });
        middles.binary_search(&distance).is_ok()
    }
}

/// Where instructions go on in their middle and none starts if control gets to `pending`, counted from the start of
/// `extent`; `None` if a path leads to what is no instruction, or too much was walked.
fn walk(extent: &Range<u64>, mut pending: Vec<u64>, code: &Code<'_>, work: &mut usize) -> Option<Vec<u32>> {
    let mut starts = FxHashSet::default();
    let mut middles = Vec::new();
    while let Some(mut at) = pending.pop() {
        while extent.contains(&at) && starts.insert(at) {
            let instruction = code.fetch(at)?;
            let next = at.wrapping_add(instruction.length.into());
            *work += 1;
            if next > extent.end || *work > WORK_LIMIT * code.slots() {
                return None;
            }
            if instruction.length == 4 {
                middles.push(at + 2);
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
            at = next;
        }
    }
    middles.retain(|middle| !starts.contains(middle));
    let mut distances: Vec<u32> =
        middles.into_iter().filter_map(|middle| u32::try_from(middle - extent.start).ok()).collect();
    distances.sort_unstable();
    Some(distances)
}
