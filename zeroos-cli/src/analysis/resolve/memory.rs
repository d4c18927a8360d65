//! The backward search in memory: stack slots, and variables with all their writers.

use std::rc::Rc;

use super::{CALLER_LIMIT, Place, Question, Search, Step, Words};
use crate::analysis::cells::is_atomic_write;
use crate::analysis::code::store_size;
use crate::analysis::exit::{BlockId, FunctionId};
use crate::analysis::handed_out::{self, Write};
use crate::analysis::state::State;
use crate::analysis::value::Value;
use crate::analysis::word::{self, Word};
use crate::isa::{Instruction, Op, Register};

impl<'a> Search<'_, 'a> {
    /// What the load at `index` reads.
    pub(super) fn loaded(&mut self, block: BlockId, steps: &Rc<[Step<'a>]>, index: usize, size: u8) -> Words {
        let (at, instruction, state) = &steps[index];
        let (at, instruction) = (*at, *instruction);
        let op = instruction.op;
        let address = state.state().address(&instruction, self.program.code.arena);
        let memory = match &address {
            Value::Stack(offset) => self.slot_behind(block, steps, index, *offset, size),
            _ => {
                let base = self.register_behind(block, steps, index, instruction.rs1());
                let displacement = Word::exact(i64::from(instruction.immediate) as u64);
                let mut memory = Words::new();
                for base in base {
                    let address = word::combine(Op::Addi, base, displacement);
                    memory.append(&mut self.memory(address, size, at));
                }
                memory
            }
        };
        memory.into_iter().map(|word| word::load(op, word)).collect()
    }

    /// What lies at `address` when the instruction at `at` reads it.
    fn memory(&mut self, address: Word, size: u8, at: u64) -> Words {
        match (address.frame, address.unknown) {
            (Some(frame), 0) => self.ask(Question::Frame(frame, address.value as i64, size)),
            // Linux never maps the first page (vm.mmap_min_addr): a load from there ends the program.
            (None, 0) if address.value < 4096 && !self.program.code.is_mapped(address.value) => {
                self.null.entry(self.current).or_insert(at);
                Words::new()
            }
            (None, 0) => self.ask(Question::Cell(address.value, size)),
            _ => self.lose_vaguely(|| format!("it is read at {at:#x} through a pointer that is not known")),
        }
    }

    /// What lies in the slot of a frame whose address was handed on.
    pub(super) fn in_frame(&mut self, frame: u32, offset: i64, size: u8) -> Words {
        let (block, handed_at) = self.frames[frame as usize];
        let mut words = self.before(block, handed_at, Place::Slot { offset, size });
        words.append(&mut self.written(self.program.blocks[block].function, offset, size));
        words
    }

    /// What the functions that a slot's address is handed to write there.
    fn written(&mut self, owner: FunctionId, offset: i64, size: u8) -> Words {
        let (program, flow, cells) = (self.program, self.flow, self.cells);
        let known = self.handed_out.entry((owner, offset, size)).or_insert_with(|| {
            let writes = handed_out::writes(program, flow, cells, owner, offset..offset.saturating_add(size.into()));
            writes.map(|writes| writes.into_iter().collect())
        });
        let writes = match known.clone() {
            Ok(writes) => writes,
            Err(Some(at)) => {
                return self.lose(|| format!("the address of its stack slot gets out of sight at {at:#x}"));
            }
            Err(None) => return self.lose(|| "too many functions have the address of its stack slot".to_owned()),
        };
        let mut words = Words::new();
        for &Write { block, at, register } in writes.iter() {
            words.append(&mut match register {
                Some((register, bit)) => {
                    let stored = self.before(block, at, Place::Register(register)).into_iter();
                    stored.map(|word| word::combine(Op::Srli, word, Word::exact(bit))).collect()
                }
                None => self.lose(|| format!("the store at {at:#x} overwrites a part of its stack slot")),
            });
        }
        words
    }

    pub(super) fn slot_behind(
        &mut self,
        block: BlockId,
        steps: &Rc<[Step<'a>]>,
        count: usize,
        offset: i64,
        size: u8,
    ) -> Words {
        let function = self.program.blocks[block].function;
        let wanted = offset..offset.saturating_add(size.into());
        for index in (0..count).rev() {
            let (at, instruction, state) = &steps[index];
            if instruction.op == Op::Ecall && makes_a_child(&state.state()) {
                let at = *at;
                return self.lose(|| format!("the child made at {at:#x} has another stack, or changes this one"));
            }
            let Some(stored) = stored_bytes(instruction) else { continue };
            match state.state().address(instruction, self.program.code.arena) {
                Value::Stack(start) => {
                    let end = start.saturating_add(stored as i64);
                    if end <= wanted.start || wanted.end <= start {
                        continue;
                    }
                    let at = *at;
                    if start > wanted.start || end < wanted.end || store_size(instruction.op).is_none() {
                        return self.lose(|| format!("the store at {at:#x} overwrites a part of its stack slot"));
                    }
                    let shift = Word::exact(8 * (wanted.start - start) as u64);
                    let register = instruction.rs2();
                    let words = self.register_behind(block, steps, index, register);
                    return words.into_iter().map(|word| word::combine(Op::Srli, word, shift)).collect();
                }
                Value::Constant(_) => {}
                _ if self.slot_escapes(function, offset, CALLER_LIMIT) => {
                    let at = *at;
                    return self.lose(|| format!("the store at {at:#x} may overwrite its stack slot"));
                }
                _ => {}
            }
        }
        self.ask(Question::AtStart(block, Place::Slot { offset, size }))
    }

    /// The initial contents of a memory cell and everything that reachable code stores there.
    pub(super) fn cell(&mut self, address: u64, size: u8) -> Words {
        let load = match size {
            1 => Op::Lbu,
            2 => Op::Lhu,
            4 => Op::Lwu,
            _ => Op::Ld,
        };
        if let Some(constant) = self.program.code.constant_load(load, address) {
            return Words::from([Word::exact(constant)]);
        }
        if let Some(why) = self.cells.may_alias(address) {
            return self.lose(|| format!("it is in memory at {address:#x}, {why}"));
        }
        let mut words = Words::new();
        match self.program.code.initial_load(load, address) {
            Some(initial) => words.insert(Word::exact(initial)),
            None => return self.lose(|| format!("nothing is known of memory at {address:#x}")),
        };
        let cells = self.cells;
        for store in cells.stores_near(address, size) {
            if (store.address, store.size) != (address, size) {
                let at = store.at;
                return self.lose(|| format!("the store at {at:#x} overwrites a part of memory at {address:#x}"));
            }
            words.append(&mut self.before(store.block, store.at, Place::Register(store.register)));
        }
        words
    }

    pub(super) fn frame(&mut self, block: BlockId, at: u64) -> u32 {
        let next = self.frames.len() as u32;
        let frames = &mut self.frames;
        *self.frame_numbers.entry((block, at)).or_insert_with(|| {
            frames.push((block, at));
            next
        })
    }
}

/// Whether an `ecall` with this state is known to make a child that goes on behind it: `clone` (220) and `clone3` (435).
/// The parent's frame is not the child's, or, as with vfork, the child writes to it before the parent goes on.
pub(super) fn makes_a_child(state: &State<'_>) -> bool {
    state.get(Register::A7).constants().is_some_and(|numbers| numbers.iter().any(|number| matches!(number, 220 | 435)))
}

/// How many bytes of memory the instruction writes at rs1 plus its immediate.
pub(in crate::analysis) fn stored_bytes(instruction: &Instruction) -> Option<u64> {
    store_size(instruction.op).or(match instruction.op {
        Op::Fsw => Some(4),
        Op::Fsd => Some(8),
        op if is_atomic_write(op) => Some(8),
        _ => None,
    })
}
