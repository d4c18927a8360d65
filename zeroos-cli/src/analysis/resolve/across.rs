//! The backward search across blocks and functions: what flows in from predecessors, callers and callees.

use std::rc::Rc;

use super::{Place, Question, Search, Words};
use crate::analysis::flow::{BlockId, caller_saved};
use crate::analysis::names;
use crate::analysis::tracking;
use crate::analysis::value::Value;
use crate::isa::{ControlFlow, Register};

impl Search<'_, '_> {
    pub(super) fn at_start(&mut self, block: BlockId, place: Place) -> Words {
        let mut words = Words::new();
        let flow = self.flow;
        for &start in flow.predecessors(block) {
            words.append(&mut self.at_end(BlockId { start, ..block }, block.start, place));
        }
        if block.start == block.function {
            words.append(&mut self.at_function_entry(block.function, place));
        }
        words
    }

    /// What is in `place` when `block` is left for `next`, over the call that it may end in.
    fn at_end(&mut self, block: BlockId, next: u64, place: Place) -> Words {
        let steps = self.steps(block);
        let program = self.program;
        let call = program
            .functions
            .get(&block.function)
            .and_then(|function| function.blocks.get(&block.start))
            .and_then(|found| Some((found.exit.call.as_ref()?, found.end != next)));
        let Some((callee, unwinds)) = call else { return self.behind(block, &steps, steps.len(), place) };
        let Some((at, ..)) = steps.last() else { return self.lose(|| "a block without code".to_owned()) };
        let (at, before) = (*at, steps.len() - 1);
        let register = match place {
            Place::Slot { offset, .. } if self.cells.escapes(block.function, offset) => {
                return self.lose(|| format!("the function called at {at:#x} may overwrite its stack slot"));
            }
            Place::Slot { .. } => return self.behind(block, &steps, before, place),
            Place::Register(register) => register,
        };
        let volatile = caller_saved(program.convention).contains(register);
        let kept = !callee.unknown && callee.known.iter().all(|&target| !self.flow.clobbers(target).contains(register));
        if !volatile || kept && !unwinds {
            return self.behind(block, &steps, before, place);
        }
        if unwinds || callee.unknown || register.number() >> 1 != 5 {
            return self.lose(|| format!("the call at {at:#x} overwrites it"));
        }
        callee.known.iter().flat_map(|&target| self.ask(Question::AtReturn(target, register))).collect()
    }

    fn at_function_entry(&mut self, function: u64, place: Place) -> Words {
        let mut words = Words::new();
        if function == self.program.code.elf.entry.0 {
            words.append(&mut self.lose(|| "the kernel sets it before the program starts".to_owned()));
        }
        let through_pointers = self.pointer_callers(function);
        if let Err(at) = through_pointers {
            let name = names::function_name(self.program.code.elf, function);
            words.append(
                &mut self.lose(|| format!("it is a parameter of {name}, whose address gets out of sight at {at:#x}")),
            );
        }
        let flow = self.flow;
        let through_pointers = through_pointers.unwrap_or_else(|_| Rc::from([]));
        for &caller in flow.callers(function).iter().chain(through_pointers.iter()) {
            let steps = self.steps(caller);
            let Some((at, last, state)) = steps.last() else { continue };
            let (at, mut before, mut state) = (*at, steps.len() - 1, state.clone());
            if !matches!(last.effects().flow, ControlFlow::Jump(_) | ControlFlow::IndirectJump) {
                // It runs or branches into the function: its last instruction counts too.
                state.step(last, at, &self.program.code);
                before += 1;
            }
            let place = match (place, state.get(Register::SP)) {
                (Place::Slot { offset, size }, Value::Stack(sp)) => {
                    Place::Slot { offset: offset.wrapping_add(sp), size }
                }
                (Place::Slot { .. }, _) => {
                    words.append(&mut self.lose(|| format!("it is on a stack of unknown depth at {at:#x}")));
                    continue;
                }
                (register, _) => register,
            };
            // A block can also run into the next function, or be left for a landing pad that counts as one.
            let exit = self.program.functions.get(&caller.function).and_then(|all| all.blocks.get(&caller.start));
            let calls = exit.and_then(|found| found.exit.call.as_ref());
            match calls {
                Some(callee) if !callee.unknown && !callee.known.contains(&function) => {
                    words.append(&mut self.at_end(caller, function, place));
                }
                _ => words.append(&mut self.behind(caller, &steps, before, place)),
            }
        }
        words
    }

    /// The calls of `function` through pointers, if all of them are known.
    fn pointer_callers(&mut self, function: u64) -> Result<Rc<[BlockId]>, u64> {
        if !self.program.address_taken.contains(&function) {
            return Ok(Rc::from([]));
        }
        let (program, flow, cells, liveness) = (self.program, self.flow, self.cells, self.liveness);
        let known = self.pointer_callers.entry(function).or_insert_with(|| {
            let callers = tracking::pointer_callers(program, flow, cells, liveness, function);
            callers.map(|callers| callers.into_iter().collect()).map_err(|escapes| escapes.0)
        });
        known.clone()
    }

    pub(super) fn at_return(&mut self, function: u64, register: Register) -> Words {
        let mut words = Words::new();
        let (program, flow) = (self.program, self.flow);
        for &start in flow.returns(function) {
            let block = BlockId { function, start };
            let steps = self.steps(block);
            words.append(&mut self.behind(block, &steps, steps.len(), Place::Register(register)));
        }
        let Some(found) = program.functions.get(&function) else {
            return self.lose(|| format!("the function at {function:#x} is not code"));
        };
        for tail in found.blocks.values().filter_map(|block| block.exit.tail.as_ref()) {
            if tail.unknown {
                words.append(&mut self.lose(|| format!("a function called by {function:#x} returns it")));
            }
            for &target in &tail.known {
                words.append(&mut self.ask(Question::AtReturn(target, register)));
            }
        }
        words
    }
}
