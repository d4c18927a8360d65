//! The backward search across blocks and functions: what flows in from predecessors, callers and callees.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::memory::{makes_a_child, stored_bytes};
use super::{CALLER_LIMIT, Place, Question, Search, Step, Words};
use crate::analysis::code::load_size;
use crate::analysis::exit::{BlockId, Exit, FunctionId};
use crate::analysis::flow::caller_saved;
use crate::analysis::leaf;
use crate::analysis::names;
use crate::analysis::tracking;
use crate::analysis::value::Value;
use crate::isa::{ControlFlow, Op, Register};

impl<'a> Search<'_, 'a> {
    pub(super) fn at_start(&mut self, block: BlockId, place: Place) -> Words {
        let mut words = Words::new();
        let flow = self.flow;
        for &before in flow.predecessors(block) {
            words.append(&mut self.at_end(before, self.program.blocks[block].start, place));
        }
        if self.program.is_resumption(block) {
            words.append(&mut self.lose(|| "recovery from a panic goes on there".to_owned()));
        }
        if self.program.is_first(block) {
            words.append(&mut self.at_function_entry(self.program.blocks[block].function, place));
        }
        words
    }

    /// What is in `place` when `block` is left for `next`, over the call that it may end in.
    fn at_end(&mut self, block: BlockId, next: u64, place: Place) -> Words {
        let steps = self.steps(block);
        let program = self.program;
        let found = &program.blocks[block];
        let Some(callee) = found.exit.call() else { return self.behind(block, &steps, steps.len(), place) };
        let unwinds = found.end() != next;
        let Some((at, ..)) = steps.last() else { return self.lose(|| "a block without code".to_owned()) };
        let (at, before) = (*at, steps.len() - 1);
        let register = match place {
            Place::Slot { offset, .. } if self.slot_escapes(found.function, offset, CALLER_LIMIT) => {
                return self.lose(|| format!("the function called at {at:#x} may overwrite its stack slot"));
            }
            Place::Slot { .. } if callee.known().any(|target| self.may_fork(target) || self.keeps_context(target)) => {
                return self.lose(|| format!("the function called at {at:#x} may return twice, on one stack"));
            }
            Place::Slot { offset, .. } if !self.is_kept_over_call(&steps, offset) => {
                return self.lose(|| format!("the frame of the function called at {at:#x} may cover its stack slot"));
            }
            Place::Slot { offset, size } => {
                return match self.leaf_store(&found.exit, &steps, offset, size) {
                    None => self.behind(block, &steps, before, place),
                    Some((_, Value::Stack(offset))) => self.behind(block, &steps, before, Place::Slot { offset, size }),
                    Some((_, Value::Constant(address))) => self.ask(Question::Cell(address, size)),
                    Some((store, _)) => self.lose(|| format!("the store at {store:#x} overwrites its stack slot")),
                };
            }
            Place::Register(register) => register,
        };
        let volatile = caller_saved(program.convention).contains(register);
        let kept = !callee.unknown && callee.known().all(|target| !self.flow.clobbers(target).contains(register));
        let broken = callee.known().any(|target| self.flow.broken(target).contains(register))
            || callee.unknown && self.flow.broken_by_pointer().contains(register);
        if broken {
            return self.lose(|| format!("the call at {at:#x} overwrites it, against the calling convention"));
        }
        if !volatile || kept && !unwinds {
            return self.behind(block, &steps, before, place);
        }
        if unwinds || callee.unknown || register.number() >> 1 != 5 {
            return self.lose(|| format!("the call at {at:#x} overwrites it"));
        }
        if callee.known().any(|target| self.keeps_context(target)) {
            return self
                .lose(|| format!("the function called at {at:#x} may return twice, the second time with any result"));
        }
        callee.known().flat_map(|target| self.ask(Question::AtReturn(target, register))).collect()
    }

    /// Whether `function`, or one that it jumps to, keeps where it returns to outside its frame, as `setjmp` does.
    fn keeps_context(&mut self, function: FunctionId) -> bool {
        if let Some(&known) = self.context_keepers.get(&function) {
            return known;
        }
        let program = self.program;
        let (mut seen, mut work, mut keeps) = (BTreeSet::from([function]), vec![function], false);
        while let Some(function) = work.pop() {
            for &block in &program[function].blocks {
                program.blocks.visit(block, &program.code, |_, instruction, state| {
                    let stores = instruction.op == Op::Sd && instruction.rs2() == Register::RA;
                    let is_link = state.get(Register::RA) == Value::Any;
                    let in_frame = || matches!(state.address(instruction, program.code.arena), Value::Stack(_));
                    keeps |= stores && is_link && !in_frame();
                });
                let tail = program.blocks[block].exit.tail();
                work.extend(tail.into_iter().flat_map(|tail| tail.named()).filter(|&target| seen.insert(target)));
            }
        }
        self.context_keepers.insert(function, keeps);
        keeps
    }

    /// Whether `function` itself makes a child that goes on where it returns.
    fn may_fork(&mut self, function: FunctionId) -> bool {
        let (program, flow) = (self.program, self.flow);
        let sites = self.forks.get_or_insert_with(|| {
            let mut forks = BTreeSet::new();
            for (&site, blocks) in &flow.sites {
                for &block in blocks {
                    program.blocks.visit(block, &program.code, |at, _, state| {
                        if at == site && makes_a_child(state) {
                            forks.insert(program.blocks[block].function);
                        }
                    });
                }
            }
            forks
        });
        sites.contains(&function)
    }

    /// Whether an unknown pointer may point at the slot at `offset` of `function`, which is its caller's if it lies above
    /// the stack pointer at function entry.
    pub(super) fn slot_escapes(&mut self, function: FunctionId, offset: i64, callers: u8) -> bool {
        if self.cells.escapes(function, offset) {
            return true;
        }
        if offset < 0 {
            return false;
        }
        let flow = self.flow;
        // One caller's answer would do, but whoever is to be explored should be so at once.
        flow.callers(function).for_each(|caller| self.program.blocks.want(caller));
        callers == 0
            || flow.callers(function).any(|caller| {
                let steps = self.steps(caller);
                match steps.last().map(|(.., known)| known.state().get(Register::SP)) {
                    Some(Value::Stack(sp)) => {
                        let owner = self.program.blocks[caller].function;
                        self.slot_escapes(owner, offset.wrapping_add(sp), callers - 1)
                    }
                    _ => true,
                }
            })
    }

    /// Whether the slot at `offset` lies at or above the stack pointer of the call that ends a block.
    fn is_kept_over_call(&self, steps: &[Step<'a>], offset: i64) -> bool {
        let Some((.., known)) = steps.last() else { return false };
        matches!(known.state().get(Register::SP), Value::Stack(sp) if offset >= sp)
    }

    /// The last store to a stack slot in a leaf that `exit` calls, and the address that it copies from if it copies the
    /// whole slot.
    fn leaf_store(&self, exit: &Exit, steps: &[Step<'a>], offset: i64, size: u8) -> Option<(u64, Value<'a>)> {
        let (.., known) = steps.last()?;
        let (program, mut store) = (self.program, None);
        let mut loaded_from = [const { Value::Any }; 32];
        // What it stored to before.
        let mut stored_to: Vec<(Value<'a>, u64)> = Vec::new();
        leaf::visit(program, exit, &known.state(), |at, instruction, state| {
            let address = state.address(instruction, program.code.arena);
            if instruction.writes_integer_register() {
                let whole = load_size(instruction.op) == Some(size.into());
                let is_changed =
                    stored_to.iter().any(|&(other, bytes)| may_overlap((address, size.into()), (other, bytes)));
                loaded_from[usize::from(instruction.rd)] = if whole && !is_changed { address } else { Value::Any };
            }
            let Some(stored) = stored_bytes(instruction) else { return };
            stored_to.push((address, stored));
            match address {
                Value::Stack(start) if (start, stored) == (offset, size.into()) => {
                    store = Some((at, loaded_from[usize::from(instruction.rs2)]));
                }
                Value::Stack(start)
                    if start < offset.saturating_add(size.into()) && offset < start.saturating_add(stored as i64) =>
                {
                    store = Some((at, Value::Any));
                }
                _ => {}
            }
        });
        store
    }

    fn at_function_entry(&mut self, function: FunctionId, place: Place) -> Words {
        let mut words = Words::new();
        let entry = self.program[function].entry;
        if entry == self.program.code.elf.entry.0 {
            words.append(&mut self.lose(|| "the kernel sets it before the program starts".to_owned()));
        }
        let through_pointers = self.pointer_callers(function);
        if let Err(at) = through_pointers {
            let name = names::function_name(&self.program.code, entry);
            words.append(
                &mut self.lose(|| format!("it is a parameter of {name}, whose address gets out of sight at {at:#x}")),
            );
        }
        let flow = self.flow;
        let through_pointers = through_pointers.unwrap_or_else(|_| Rc::from([]));
        for &caller in flow.named_callers(function) {
            words.append(&mut self.at_call_from(caller, function, place));
        }
        // All functions of a table find the same.
        for &table in flow.tables(function) {
            words.append(&mut self.ask(Question::ByTable(table, place)));
        }
        for &caller in through_pointers.iter() {
            let paired = self.paired(caller, entry, place);
            words.append(&mut paired.unwrap_or_else(|| self.at_call_from(caller, function, place)));
        }
        words
    }

    /// What is in `place`, as the functions of the table see it, where they are called by it.
    pub(super) fn by_table(&mut self, table: usize, place: Place) -> Words {
        let (program, flow) = (self.program, self.flow);
        let any = program.call_tables().all()[table].functions.first();
        let callers =
            any.into_iter().flat_map(|&function| flow.callers_by(table).iter().map(move |&caller| (caller, function)));
        callers.flat_map(|(caller, function)| self.at_call_from(caller, function, place)).collect()
    }

    /// What is in `place`, as `function` sees it at its entry, where `caller` calls it, or jumps to it.
    pub(super) fn at_call_from(&mut self, caller: BlockId, function: FunctionId, place: Place) -> Words {
        let steps = self.steps(caller);
        let Some((at, last, state)) = steps.last() else { return Words::new() };
        let (at, mut before, mut state) = (*at, steps.len() - 1, state.state());
        if !matches!(last.effects().flow, ControlFlow::Jump(_) | ControlFlow::IndirectJump) {
            // It runs or branches into the function: its last instruction counts too.
            state.step(last, at, &self.program.code);
            before += 1;
        }
        let place = match (place, state.get(Register::SP)) {
            (Place::Slot { offset, size }, Value::Stack(sp)) => Place::Slot { offset: offset.wrapping_add(sp), size },
            (Place::Slot { .. }, _) => return self.lose(|| format!("it is on a stack of unknown depth at {at:#x}")),
            (register, _) => register,
        };
        let exit = &self.program.blocks[caller].exit;
        let calls = exit.call().is_none_or(|callee| callee.unknown || callee.known().any(|target| target == function));
        let mut words = if calls { self.behind(caller, &steps, before, place) } else { Words::new() };
        if self.falls_into(caller, function) {
            words.append(&mut self.at_end(caller, self.program[function].entry, place));
        }
        words
    }

    /// Whether `block` ends in a call and runs into `function` behind that, or is left for a landing pad that counts as a function.
    pub(super) fn falls_into(&self, block: BlockId, function: FunctionId) -> bool {
        let exit = &self.program.blocks[block].exit;
        exit.call().is_some() && exit.tail().is_some_and(|tail| tail.named().any(|target| target == function))
    }

    /// The calls of `function` through pointers, if all of them are known.
    pub(super) fn pointer_callers(&mut self, function: FunctionId) -> Result<Rc<[BlockId]>, u64> {
        let entry = self.program[function].entry;
        if !self.program.address_taken.contains(&entry) {
            return Ok(Rc::from([]));
        }
        let (program, flow, cells, liveness) = (self.program, self.flow, self.cells, self.liveness);
        let known = self.pointer_callers.entry(function).or_insert_with(|| {
            let callers = tracking::pointer_callers(program, flow, cells, liveness, entry);
            callers.map(|callers| callers.into_iter().collect()).map_err(|escapes| escapes.0)
        });
        known.clone()
    }

    /// Whether `question` is about the start of a function that only pointers can lead to, and they were followed, to all calls
    /// through them. An empty answer then proves that nothing calls it, as any other tells all that calls it. It proves nothing
    /// where control was once seen to go there, of which no more may be known.
    pub(super) fn has_known_callers(&mut self, question: Question) -> bool {
        let Question::AtStart(block, _) = question else { return false };
        let function = self.program.blocks[block].function;
        self.program.is_first(block)
            && !self.program.was_entered(function)
            && self.program.address_taken.contains(&self.program[function].entry)
            && self.pointer_callers(function).is_ok()
    }

    pub(super) fn at_return(&mut self, function: FunctionId, register: Register) -> Words {
        let mut words = Words::new();
        let (program, flow) = (self.program, self.flow);
        for &block in flow.returns(function) {
            let steps = self.steps(block);
            words.append(&mut self.behind(block, &steps, steps.len(), Place::Register(register)));
        }
        let name = program[function].entry;
        let tails = program[function].blocks.iter().filter_map(|&block| program.blocks[block].exit.tail());
        for tail in tails {
            if tail.unknown || tail.is_nowhere() {
                words.append(&mut self.lose(|| format!("a function called by {name:#x} returns it")));
            }
            for target in tail.known() {
                words.append(&mut self.ask(Question::AtReturn(target, register)));
            }
        }
        words
    }
}

/// Whether so many bytes at the one place may be some of those at the other one.
fn may_overlap((one, bytes): (Value<'_>, u64), (other, others): (Value<'_>, u64)) -> bool {
    match (one, other) {
        (Value::Stack(one), Value::Stack(other)) => {
            one < other.saturating_add_unsigned(others) && other < one.saturating_add_unsigned(bytes)
        }
        (Value::Constant(one), Value::Constant(other)) => {
            one < other.saturating_add(others) && other < one.saturating_add(bytes)
        }
        (Value::Stack(_), Value::Constant(_)) | (Value::Constant(_), Value::Stack(_)) => false,
        _ => true,
    }
}
