//! Where numbers are born: the instructions that make the constants which an answer rests on. For people who want to
//! check it; nothing is decided by it.

use std::collections::{BTreeMap, BTreeSet};

use super::Search;
use crate::address::Address;
use crate::analysis::exit::BlockId;
use crate::isa::{ControlFlow, Op, Register};
use crate::linux::SyscallNumber;

/// Places looked at on the way from one constant to the instruction that makes it.
const STEP_LIMIT: usize = 256;

/// A register that the forward pass knows: after the first so many steps of a block.
pub(super) type Leaf = (BlockId, usize, Register);

/// The instructions that bring each number into being.
pub(crate) type Origins = BTreeMap<SyscallNumber, BTreeSet<Address>>;

impl Search<'_, '_> {
    /// Adds the origins of `numbers`, which a7 can be at `site` in `block`, to `origins`. To be called right after the
    /// search for that site, if there was one.
    pub fn add_origins(
        &mut self,
        block: BlockId,
        site: u64,
        searched: bool,
        numbers: &BTreeSet<SyscallNumber>,
        origins: &mut Origins,
    ) {
        let mut leaves = BTreeSet::new();
        if searched {
            for question in self.supports_of_answer() {
                leaves.extend(self.leaves.get(&question).into_iter().flatten().copied());
            }
        } else {
            let count = self.steps(block).partition_point(|&(at, ..)| at < site);
            leaves.insert((block, count, Register::A7));
        }
        let mut makers = BTreeMap::new();
        for leaf in leaves {
            self.makers(leaf, &mut makers);
        }
        for &number in numbers {
            let exact = makers.iter().filter(|(_, values)| values.contains(&number.0));
            let found: BTreeSet<Address> = exact.map(|(&at, _)| Address(at)).collect();
            if !found.is_empty() {
                origins.entry(number).or_default().extend(found);
            }
        }
    }

    /// Follows a known register back through moves and joins of its function to the instructions that set it: by their
    /// addresses, the values that they make.
    fn makers(&mut self, leaf: Leaf, makers: &mut BTreeMap<u64, BTreeSet<u64>>) {
        let (program, flow) = (self.program, self.flow);
        let mut seen = BTreeSet::new();
        let mut found = vec![leaf];
        while let Some((block, count, register)) = found.pop() {
            if register == Register::ZERO || seen.len() == STEP_LIMIT || !seen.insert((block, count, register)) {
                continue;
            }
            let steps = self.steps(block);
            let sets = |index: &usize| steps[*index].1.effects().defines.contains(register);
            let Some(index) = (0..count.min(steps.len())).rev().find(sets) else {
                for &before in flow.predecessors(block) {
                    let count = self.steps(before).len();
                    found.push((before, count, register));
                }
                continue;
            };
            let (at, instruction, known) = &steps[index];
            let moves = instruction.op == Op::Addi && instruction.immediate == 0 && instruction.rs1 != 0;
            if moves {
                found.push((block, index, instruction.rs1()));
            } else if instruction.flow() == ControlFlow::Next {
                let value = known.state().result(instruction, *at, &program.code);
                let values = value.as_ref().and_then(|value| value.constants()).unwrap_or_default();
                makers.entry(*at).or_default().extend(values);
            }
        }
    }

    /// The forward pass knows `register` there: an answer ends.
    pub(super) fn note_leaf(&mut self, block: BlockId, count: usize, register: Register) {
        self.leaves.entry(self.current).or_default().insert((block, count, register));
    }
}
