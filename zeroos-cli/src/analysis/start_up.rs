//! What a program does before anything from outside can matter: its first instructions, run on its initial stack with what is
//! not known left open (the text of arguments and variables, the machine's abilities, what calls answer). Up to the
//! first branch, address or call that depends on such a thing every run is the same.

mod memory;

use std::collections::{BTreeMap, BTreeSet};

use memory::Memory;

use super::runs::joined;
use super::value::{compute, immediate_operand};
use crate::address::{Address, AddressRange};
use crate::elf::AppElf;
use crate::isa::{self, ControlFlow, Instruction, Op, Register};

/// Most instructions that are run; what comes behind them counts as not known.
const LIMIT: u32 = 300_000;
/// Most calls that may be inside each other.
const DEEPEST: usize = 1024;

/// A program and its stack as it starts (psABI, "Process Initialization").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitialState {
    /// What is added to the file's addresses.
    pub bias: u64,
    /// The stack pointer.
    pub stack_pointer: Address,
    /// What lies from there up to the stack's end.
    pub stack: Vec<u8>,
    /// Where in it lies what is not known yet.
    pub open: Vec<AddressRange>,
    /// Words of the program that are not what its file says, by the file's addresses.
    pub changed: BTreeMap<Address, u64>,
}

/// How far it was followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StartUp {
    /// The code that was executed, by the file's addresses: runs of instructions, ascending and disjoint, each with its end.
    pub executed: Vec<(u64, u64)>,
    /// The instruction that was not executed any more.
    pub stopped_at: u64,
    /// Where the calls that are under way will return to, outermost first, and other places behind calls that are kept.
    pub pending: Vec<u64>,
    /// How many were executed in all.
    pub instructions: u32,
}

impl StartUp {
    /// Runs `elf` from `initial`.
    pub fn of(elf: &AppElf, initial: &InitialState) -> StartUp {
        let mut hart = Hart {
            bias: initial.bias,
            x: [None; 32],
            memory: Memory::new(elf, initial),
            reservation: None,
            pending: Vec::new(),
            linked: BTreeSet::new(),
        };
        hart.x[2] = Some(initial.stack_pointer.0);
        let mut executed = BTreeSet::new();
        let mut at = elf.entry.0;
        let mut instructions = 0;
        while instructions < LIMIT {
            let Some(instruction) =
                elf.bytes_from(Address(at)).filter(|_| elf.is_code(Address(at))).and_then(isa::decode)
            else {
                break;
            };
            let Some(next) = hart.execute(at, &instruction) else { break };
            if matches!(instruction.op, Op::ScW | Op::ScD) && !retries(elf, next, &instruction, &executed) {
                break;
            }
            executed.insert(at);
            instructions += 1;
            at = next;
        }
        // What keeps a context may go back to it.
        let kept = hart.memory.words_from(hart.x[2]).chain(hart.x.iter().flatten().copied());
        let kept = kept.map(|word| word.wrapping_sub(initial.bias));
        hart.pending.extend(kept.filter(|word| hart.linked.contains(word)));
        let length = |at| elf.bytes_from(Address(at)).and_then(isa::decode).map_or(0, |instruction| instruction.length);
        let executed = joined(executed.into_iter().map(|at| (at, at.wrapping_add(length(at).into()))).collect());
        StartUp { executed, stopped_at: at, pending: hart.pending, instructions }
    }
}

/// A hart whose registers and memory may hold what is not known.
struct Hart<'a> {
    bias: u64,
    x: [Option<u64>; 32],
    memory: Memory<'a>,
    /// The address of the last `lr`.
    reservation: Option<u64>,
    pending: Vec<u64>,
    /// Behind every call that was made.
    linked: BTreeSet<u64>,
}

impl Hart<'_> {
    fn get(&self, register: Register) -> Option<u64> {
        if register == Register::ZERO { Some(0) } else { self.x[usize::from(register.number())] }
    }

    fn set(&mut self, register: Register, value: Option<u64>) {
        self.x[usize::from(register.number())] = value;
    }

    /// Executes the instruction at `at`, an address of the file; gives the next one's. `None`, and nothing done, if it depends
    /// on what is not known.
    fn execute(&mut self, at: u64, instruction: &Instruction) -> Option<u64> {
        let next = at.wrapping_add(instruction.length.into());
        match instruction.flow() {
            ControlFlow::Next => self.step(at, instruction).map(|()| next),
            ControlFlow::Branch(offset) => {
                let (a, b) = (self.get(instruction.rs1())?, self.get(instruction.rs2())?);
                Some(if is_taken(instruction.op, a, b) { at.wrapping_add_signed(offset.into()) } else { next })
            }
            ControlFlow::Jump(offset) => {
                self.link(instruction, next)?;
                Some(at.wrapping_add_signed(offset.into()))
            }
            ControlFlow::IndirectJump => {
                let target = self.get(instruction.rs1())?.wrapping_add_signed(instruction.immediate.into()) & !1;
                let target = target.wrapping_sub(self.bias);
                if instruction.rd() != Register::ZERO {
                    self.link(instruction, next)?;
                } else if self.pending.last() == Some(&target) {
                    self.pending.pop();
                    if let Some(stack_pointer) = self.get(Register::SP) {
                        self.memory.forget_below(stack_pointer);
                    }
                } else if self.pending.contains(&target) {
                    // Calls are left without a return: `longjmp`, or another stack.
                    return None;
                }
                Some(target)
            }
            ControlFlow::EnvironmentCall => {
                let number = self.get(Register::A7)?;
                if !CHANGES_ONLY_A0.contains(&number) {
                    return None;
                }
                self.set(Register::A0, None);
                Some(next)
            }
            ControlFlow::Trap => None,
        }
    }

    fn link(&mut self, instruction: &Instruction, next: u64) -> Option<()> {
        if instruction.rd() != Register::ZERO {
            if self.pending.len() == DEEPEST {
                return None;
            }
            self.pending.push(next);
            self.linked.insert(next);
            self.set(instruction.rd(), Some(next.wrapping_add(self.bias)));
        }
        Some(())
    }

    /// Executes an instruction that does not jump.
    fn step(&mut self, at: u64, instruction: &Instruction) -> Option<()> {
        let op = instruction.op;
        let immediate = i64::from(instruction.immediate);
        let address = || self.get(instruction.rs1()).map(|base| base.wrapping_add_signed(immediate));
        let result = match op {
            Op::Lui => Some(immediate as u64),
            Op::Auipc => Some(at.wrapping_add(self.bias).wrapping_add_signed(immediate)),
            Op::Lb | Op::Lh | Op::Lw | Op::Ld | Op::Lbu | Op::Lhu | Op::Lwu => self.memory.load(op, address()?)?,
            Op::Sb | Op::Sh | Op::Sw | Op::Sd => {
                let (address, value) = (address()?, self.get(instruction.rs2()));
                let size = super::code::store_size(op)?;
                return self.memory.store(address, size, value);
            }
            Op::Fsw | Op::Fsd => return self.memory.store(address()?, if op == Op::Fsw { 4 } else { 8 }, None),
            Op::Flw | Op::Fld => return address().map(drop),
            Op::LrW | Op::LrD => {
                let address = self.get(instruction.rs1())?;
                self.reservation = Some(address);
                self.memory.load(if op == Op::LrW { Op::Lw } else { Op::Ld }, address)?
            }
            Op::ScW | Op::ScD => {
                let address = self.get(instruction.rs1())?;
                if self.reservation.take() != Some(address) {
                    return None;
                }
                let size = if op == Op::ScW { 4 } else { 8 };
                self.memory.store(address, size, self.get(instruction.rs2()))?;
                Some(0)
            }
            _ if (Op::LrW..=Op::AmomaxuD).contains(&op) => {
                let is_word = (Op::AmoswapW..=Op::AmomaxuW).contains(&op);
                let address = self.get(instruction.rs1())?;
                let old = self.memory.load(if is_word { Op::Lw } else { Op::Ld }, address)?;
                let operand = self.get(instruction.rs2());
                let new = match op {
                    Op::AmoswapW | Op::AmoswapD => operand,
                    Op::AmoaddW | Op::AmoaddD => old.zip(operand).map(|(old, operand)| old.wrapping_add(operand)),
                    _ => None,
                };
                self.memory.store(address, if is_word { 4 } else { 8 }, new)?;
                old
            }
            // Counters, rounding modes and the results of floating point are not followed.
            _ => {
                let second = immediate_operand(instruction).map_or_else(|| self.get(instruction.rs2()), Some);
                let operands = self.get(instruction.rs1()).zip(second);
                let is_arithmetic = instruction.writes_integer_register();
                operands.filter(|_| is_arithmetic).and_then(|(a, b)| compute(op, a, b))
            }
        };
        if instruction.writes_integer_register() {
            self.set(instruction.rd(), result);
        }
        Some(())
    }
}

/// Whether behind the `sc` that `next` follows there is a branch that goes back to instructions executed before if it failed: a machine
/// may have it fail for no reason.
fn retries(elf: &AppElf, next: u64, sc: &Instruction, executed: &BTreeSet<u64>) -> bool {
    let branch = elf.bytes_from(Address(next)).and_then(isa::decode);
    branch.is_some_and(|branch| {
        let target = next.wrapping_add_signed(branch.immediate.into());
        let operands = [branch.rs1(), branch.rs2()];
        branch.op == Op::Bne
            && operands.contains(&sc.rd())
            && operands.contains(&Register::ZERO)
            && executed.contains(&target)
    })
}

/// Calls that read nothing of the program's, write nothing to its memory and let it go on (`set_tid_address` writes when the thread ends, to a
/// variable that start-up code does not read): set_tid_address, set_robust_list, getpid, getppid, getuid, geteuid, getgid, getegid, gettid.
const CHANGES_ONLY_A0: [u64; 9] = [96, 99, 172, 173, 174, 175, 176, 177, 178];

fn is_taken(op: Op, a: u64, b: u64) -> bool {
    match op {
        Op::Beq => a == b,
        Op::Bne => a != b,
        Op::Blt => (a as i64) < b as i64,
        Op::Bge => (a as i64) >= b as i64,
        Op::Bltu => a < b,
        _ => a >= b,
    }
}
