//! Why an answer is what it is: the questions that it rests on, in one sentence for people.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Question, Search};
use crate::analysis::exit::BlockId;
use crate::analysis::names::function_name;

impl Search<'_, '_> {
    /// For each asker, what it asked.
    fn supports(&self) -> BTreeMap<Option<Question>, Vec<Question>> {
        let mut supports: BTreeMap<Option<Question>, Vec<Question>> = BTreeMap::new();
        for (question, askers) in &self.dependents {
            for asker in askers {
                supports.entry(*asker).or_default().push(*question);
            }
        }
        supports
    }

    /// The questions that the last answer rests on, and `None` for itself.
    pub(super) fn supports_of_answer(&self) -> BTreeSet<Option<Question>> {
        let supports = self.supports();
        let mut seen = BTreeSet::new();
        let mut found = vec![None];
        while let Some(question) = found.pop() {
            if seen.insert(question) {
                found.extend(supports.get(&question).into_iter().flatten().map(|&support| Some(support)));
            }
        }
        seen
    }

    /// Where the values of a register at a site in `block` come from.
    pub(super) fn story(&self, block: BlockId) -> String {
        let function = self.program.blocks[block].function;
        let callers = self.flow.callers(function).count();
        let name = function_name(&self.program.code, self.program[function].entry);
        match callers {
            0 => format!("carried to the site through joins, the stack or memory inside {name}"),
            1 => format!("carried into {name} from its one caller, through registers, the stack or memory"),
            _ => format!("carried into {name} from {callers} call sites, through registers, the stack or memory"),
        }
    }

    /// The nearest reason on the way from the asked place to what was lost; vague ones come last.
    pub(super) fn why_lost(&self, at: u64) -> String {
        let supports = self.supports();
        let mut queue = VecDeque::from([None]);
        let mut seen = BTreeSet::new();
        let mut vague = None;
        while let Some(question) = queue.pop_front() {
            if !seen.insert(question) {
                continue;
            }
            if let Some(why) = self.lost.get(&question) {
                return why.clone();
            }
            vague = vague.or_else(|| self.vague.get(&question));
            let supports = supports.get(&question).into_iter().flatten();
            // What is known in full has lost nothing.
            let open = supports.filter(|support| {
                self.answers.get(support).is_some_and(|answer| answer.words.iter().any(|word| word.number().is_none()))
            });
            queue.extend(open.map(|&support| Some(support)));
        }
        vague.cloned().unwrap_or_else(|| format!("the value before {at:#x} was not found"))
    }
}
