//! Whether a program takes where it jumps to from words that are not aligned, as of packed structures: only then such
//! words in data may be pointers. Seen is what a jump's or call's own function, those that hand it the address in a
//! register, and those that return it do: a load at a displacement or by an index that is no multiple of eight, or bytes
//! put together. An address that comes by way of other memory is not followed: there it lies aligned.

use std::collections::BTreeSet;

use super::exit::BlockId;
use super::flow::{Flow, caller_saved};
use super::program::Program;
use super::resolve::stored_bytes;
use super::state::{Convention, State};
use super::value::{Table, Value};
use crate::isa::{Instruction, Op, Register};

/// Places looked at in all, for each block that there is.
const WORK_LIMIT: usize = 4;

/// What is asked of a register.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Asked {
    /// Whether it was loaded from a word that is not aligned, whole or in parts.
    Loaded,
    /// Whether it is a part of a word, moved to its upper half.
    Part,
    /// Whether it is less than a word, or put together of such.
    Narrow,
    /// Whether so many bytes behind where it points nothing that is aligned can lie.
    Address(u8),
}

/// A register behind the first so many instructions of a block.
type Place = (BlockId, usize, Register);

struct Search<'s, 'a> {
    program: &'s Program<'a>,
    flow: &'s Flow,
    seen: BTreeSet<(BlockId, Register, Asked)>,
    pending: Vec<(Place, Asked)>,
}

/// See the module.
pub(super) fn are_called_through(program: &Program<'_>, flow: &Flow) -> bool {
    if program.convention != Convention::Standard {
        return false;
    }
    let mut search = Search { program, flow, seen: BTreeSet::new(), pending: Vec::new() };
    for block in program.blocks.ids() {
        let exit = &program.blocks[block].exit;
        if !exit.callees().any(|callee| callee.unknown) {
            continue;
        }
        let mut jump = None;
        let count = program.blocks.instructions(block, &program.code).enumerate();
        count.for_each(|(index, (_, instruction))| jump = Some((index, instruction)));
        if let Some((index, instruction)) = jump.filter(|(_, jump)| jump.op == Op::Jalr) {
            search.pending.push(((block, index, instruction.rs1()), Asked::Loaded));
        }
    }
    let mut left = WORK_LIMIT * program.blocks.len();
    while let Some((place, asked)) = search.pending.pop() {
        if left == 0 || search.is_unaligned(place, asked) {
            return left != 0;
        }
        left -= 1;
    }
    false
}

impl Search<'_, '_> {
    /// Whether what defines the register says so. Otherwise what it was made of is looked at next.
    fn is_unaligned(&mut self, (block, count, register): Place, asked: Asked) -> bool {
        let steps = Steps::of(self.program, block);
        let Some(index) = steps.definition(count, register) else { return self.before(block, register, asked) };
        let instruction = &steps.instructions[index];
        let (left, right) = (instruction.rs1(), instruction.rs2());
        let mut ask = |register, asked| {
            if register != Register::ZERO {
                self.pending.push(((block, index, register), asked));
            }
        };
        match (asked, instruction.op) {
            (Asked::Loaded, Op::Ld) => match steps.state(index).address(instruction, self.program.code.arena) {
                Value::Stack(slot) => return self.is_put_together(block, slot),
                Value::Element(&Table { base, scale }) => return !base.is_multiple_of(8) || scale.shift < 3,
                Value::Any => ask(left, Asked::Address((instruction.immediate & 7) as u8)),
                address => return address.constants().unwrap_or_default().iter().any(|address| address & 7 != 0),
            },
            (Asked::Loaded, Op::Or) => [left, right].into_iter().for_each(|operand| ask(operand, Asked::Part)),
            (Asked::Loaded, Op::Xor) => [left, right].into_iter().for_each(|operand| ask(operand, asked)),
            (Asked::Loaded, Op::Addi | Op::Andi | Op::Ori | Op::Slli | Op::Srli | Op::Xori) => ask(left, asked),
            (Asked::Part, Op::Slli) if instruction.immediate >= 32 => ask(left, Asked::Narrow),
            (Asked::Narrow, Op::Lb | Op::Lbu | Op::Lh | Op::Lhu | Op::Lw | Op::Lwu) => return true,
            (Asked::Part | Asked::Narrow, Op::Or | Op::Add) => {
                [left, right].into_iter().for_each(|operand| ask(operand, asked));
            }
            (Asked::Part | Asked::Narrow, Op::Addi | Op::Slli | Op::AddUw) => ask(left, asked),
            (Asked::Address(distance), _) if steps.constants(index + 1, register).is_some() => {
                let addresses = steps.constants(index + 1, register).unwrap_or_default();
                return addresses.iter().any(|address| address.wrapping_add(distance.into()) & 7 != 0);
            }
            (Asked::Address(distance), Op::Addi) => {
                let distance = i32::from(distance).wrapping_add(instruction.immediate) & 7;
                ask(left, Asked::Address(distance as u8));
            }
            (Asked::Address(_), Op::Sh1add | Op::Sh2add) if left != right => return true,
            (Asked::Address(_), Op::Sh3add) => ask(right, asked),
            (Asked::Address(_), Op::Add) => {
                let is_index = |register| steps.is_index(index, register);
                let (base, offset) = if is_index(right) { (left, right) } else { (right, left) };
                if is_index(offset) && !is_index(base) {
                    if steps.zeros(index, offset) < 3 {
                        return true;
                    }
                    ask(base, asked);
                }
            }
            (Asked::Address(distance), _) => return distance != 0,
            _ => {}
        }
        false
    }

    /// Asks the same of what comes before the block.
    fn before(&mut self, block: BlockId, register: Register, asked: Asked) -> bool {
        if !self.seen.insert((block, register, asked)) {
            return false;
        }
        let (program, flow) = (self.program, self.flow);
        let length = |block| program.blocks.instructions(block, &program.code).count();
        for &before in flow.predecessors(block) {
            let Some(callee) = program.blocks[before].exit.call() else {
                self.pending.push(((before, length(before), register), asked));
                continue;
            };
            if !caller_saved(program.convention).contains(register) {
                self.pending.push(((before, length(before).saturating_sub(1), register), asked));
            } else if register == Register::A0 {
                for &returning in callee.known().flat_map(|callee| flow.returns(callee)) {
                    self.pending.push(((returning, length(returning), register), asked));
                }
            }
        }
        if !program.is_first(block) {
            return false;
        }
        for &caller in flow.callers(program.blocks[block].function) {
            self.pending.push(((caller, length(caller), register), asked));
        }
        matches!(asked, Asked::Address(distance) if distance != 0)
    }

    /// Whether parts of a word are stored in the slot of `block`'s function. What is stored whole is looked at next.
    fn is_put_together(&mut self, block: BlockId, slot: i64) -> bool {
        let program = self.program;
        let mut parts = false;
        for &block in &program[program.blocks[block].function].blocks {
            let mut count = 0;
            program.blocks.visit(block, &program.code, |_, instruction, state| {
                let address = || state.address(instruction, program.code.arena);
                match (stored_bytes(instruction), instruction.rs2()) {
                    (None, _) | (_, Register::ZERO) => {}
                    (Some(8), register) if address() == Value::Stack(slot) => {
                        if self.seen.insert((block, register, Asked::Loaded)) {
                            self.pending.push(((block, count, register), Asked::Loaded));
                        }
                    }
                    (Some(1), _) => {
                        parts |= matches!(address(), Value::Stack(place) if (slot + 1..slot + 8).contains(&place));
                    }
                    _ => {}
                }
                count += 1;
            });
        }
        parts
    }
}

/// The instructions of a block.
struct Steps<'s, 'a> {
    program: &'s Program<'a>,
    block: BlockId,
    instructions: Vec<Instruction>,
}

impl<'s, 'a> Steps<'s, 'a> {
    fn of(program: &'s Program<'a>, block: BlockId) -> Steps<'s, 'a> {
        let instructions = program.blocks.instructions(block, &program.code).map(|(_, instruction)| instruction);
        Steps { program, block, instructions: instructions.collect() }
    }

    /// What is known before the instruction at `index`.
    fn state(&self, index: usize) -> State<'a> {
        let (mut known, mut count) = (State::unknown(), 0);
        self.program.blocks.visit(self.block, &self.program.code, |_, _, state| {
            if count == index {
                known = state.clone();
            }
            count += 1;
        });
        known
    }

    /// What the register is known to be after the first `count` instructions.
    fn constants(&self, count: usize, register: Register) -> Option<Vec<u64>> {
        let (program, mut left) = (self.program, count);
        let mut state = program.blocks.state(self.block);
        for (at, instruction) in program.blocks.instructions(self.block, &program.code) {
            if left == 0 {
                break;
            }
            state.step(&instruction, at, &program.code);
            left -= 1;
        }
        state.get(register).constants().map(<[u64]>::to_vec)
    }

    /// The last of the first `count` instructions that sets the register.
    fn definition(&self, count: usize, register: Register) -> Option<usize> {
        let before = &self.instructions[..count.min(self.instructions.len())];
        before.iter().rposition(|instruction| instruction.effects().defines.contains(register))
    }

    /// Whether the register was calculated as indices are.
    fn is_index(&self, count: usize, register: Register) -> bool {
        use Op::{Add, Mul, Sh1add, Sh2add, Sh3add, Slli, SlliUw, Sub};
        let operation = self.definition(count, register).map(|index| self.instructions[index].op);
        matches!(operation, Some(Slli | SlliUw | Mul | Add | Sub | Sh1add | Sh2add | Sh3add))
    }

    /// How many of the lowest bits of an index are surely zero.
    fn zeros(&self, count: usize, register: Register) -> u32 {
        let Some(index) = self.definition(count, register) else { return 0 };
        let (instruction, state) = (&self.instructions[index], self.state(index));
        let of = |register| match state.get(register).constants() {
            Some(numbers) => numbers.iter().map(|number| number.trailing_zeros()).min().unwrap_or(0),
            None => self.zeros(index, register),
        };
        let (left, right) = (instruction.rs1(), instruction.rs2());
        match instruction.op {
            Op::Slli | Op::SlliUw => of(left) + instruction.immediate as u32,
            Op::Mul => of(left) + of(right),
            Op::Add | Op::Sub => of(left).min(of(right)),
            Op::Sh1add => (of(left) + 1).min(of(right)),
            Op::Sh2add => (of(left) + 2).min(of(right)),
            Op::Sh3add => (of(left) + 3).min(of(right)),
            Op::Addi => of(left).min(instruction.immediate.trailing_zeros()),
            _ => 0,
        }
    }
}
