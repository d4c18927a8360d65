//! What is taken for granted of a program before all of its code was seen. The code may prove it wrong; the analysis then
//! starts again with less taken for granted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::Cells;
use super::code::CodeBy;
use super::finished::Finished;
use super::flow::{Flow, all_registers};
use super::liveness::Liveness;
use super::program::Program;
use super::start_up::StartUp;
use crate::address::Address;
use crate::elf::AppElf;
use crate::isa::{self, Op, Register, RegisterSet};

/// How often the analysis may start again before nothing is taken for granted of registers any more.
const ATTEMPTS: u8 = 4;

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Premises {
    /// By what code is found.
    pub code: CodeBy,
    /// Whether instructions are 4 bytes long, on multiples of 4.
    pub whole_words: bool,
    /// What gp can hold in any function; `None` if it can be anything.
    pub global_pointers: Option<BTreeSet<u64>>,
    /// Registers that functions change although their caller relies on them, by entry.
    broken: BTreeMap<u64, RegisterSet>,
    /// The same for calls through pointers.
    broken_by_pointer: RegisterSet,
    attempts: u8,
    finished: Over,
}

/// What is known of functions that are over once start-up is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Over {
    /// Nobody asked yet.
    NotAsked,
    /// These; what was asked is kept for when their program was found.
    Asked(Arc<(Finished, Vec<StartUp>)>),
    /// None that can be told.
    None,
}

impl Premises {
    /// That section headers tell where code lies, that the file says whether there are compressed instructions, that the first instructions set gp for good (psABI, "Global pointer"),
    /// and that every function keeps what the psABI says it keeps.
    pub fn first(elf: &AppElf) -> Premises {
        Premises {
            code: CodeBy::Sections,
            whole_words: !elf.isa.compressed && !starts_with_halves(elf),
            global_pointers: Some(first_global_pointer(elf).into_iter().collect()),
            broken: BTreeMap::new(),
            broken_by_pointer: RegisterSet::EMPTY,
            attempts: ATTEMPTS,
            finished: Over::NotAsked,
        }
    }

    /// More that may be taken for granted of `program`, for which these premises hold, if it starts as `starts` say; or less, if
    /// that was taken for granted and is wrong.
    pub fn started<'p, 'a>(
        &self,
        program: &'p Program<'a>,
        flow: &'p Flow,
        cells: &'p Cells<'p, 'a>,
        liveness: &'p Liveness<'p, 'a>,
        starts: impl FnOnce() -> Vec<StartUp>,
    ) -> Option<Premises> {
        let finished = match &self.finished {
            Over::NotAsked if !Finished::can_be_told(program) => return None,
            Over::NotAsked => {
                let starts = starts();
                let found = Finished::of(program, flow, cells, liveness, &starts).filter(Finished::says_something)?;
                Over::Asked(Arc::new((found, starts)))
            }
            Over::Asked(asked) => {
                let (finished, starts) = &**asked;
                if Finished::of(program, flow, cells, liveness, starts)
                    .is_some_and(|found| finished.is_upheld_by(&found))
                {
                    return None;
                }
                Over::None
            }
            Over::None => return None,
        };
        Some(Premises { finished, ..self.clone() })
    }

    /// Functions that are over once start-up is.
    pub fn finished(&self) -> Option<&Finished> {
        match &self.finished {
            Over::Asked(asked) => Some(&asked.0),
            _ => None,
        }
    }

    /// What may be taken for granted of `program`, which was found with these premises, if that is less.
    pub fn corrected(&self, program: &Program<'_>, flow: &Flow) -> Option<Premises> {
        let mut next = self.clone();
        if program.has_hidden_code {
            next.code = CodeBy::Segments;
        }
        next.whole_words &= !program.code.met_halves();
        let found: Option<BTreeSet<u64>> = program.global_pointers.iter().copied().collect();
        next.global_pointers = match (&self.global_pointers, found) {
            (Some(before), Some(found)) => Some(before.union(&found).copied().collect()),
            _ => None,
        };
        for id in program.function_ids().filter(|&id| !flow.broken(id).is_empty()) {
            let all = next.broken.entry(program[id].entry).or_default();
            *all = all.union(flow.broken(id));
        }
        next.broken_by_pointer = self.broken_by_pointer.union(flow.broken_by_pointer());
        // Once all registers count as anything, what is code still decides.
        let decides = (next.code, next.whole_words) != (self.code, self.whole_words);
        if next == *self || self.attempts == 0 && !decides {
            return None;
        }
        next.attempts = self.attempts.saturating_sub(1);
        if next.attempts == 0 {
            next.global_pointers = None;
        }
        Some(next)
    }

    /// What gp holds wherever `program`, which was found with these premises, makes a call, if that is certain: where
    /// control is lost nothing is.
    pub fn global_pointer(&self, program: &Program<'_>) -> Option<Address> {
        let known = self.global_pointers.as_ref().filter(|known| known.len() == 1 && program.lost.is_none())?;
        known.first().copied().map(Address)
    }

    /// Registers that a call of one of `targets`, or through an unknown pointer, may change although the psABI says that
    /// they are kept.
    pub fn broken_by(&self, targets: Option<&[u64]>) -> RegisterSet {
        match targets {
            _ if self.attempts == 0 => all_registers().without(Register::SP),
            None => self.broken_by_pointer,
            Some(targets) => {
                let broken = targets.iter().filter_map(|target| self.broken.get(target));
                broken.fold(RegisterSet::EMPTY, |all, &some| all.union(some))
            }
        }
    }
}

/// The global pointer, if the first instructions of the program set it by `auipc gp` and `addi gp`.
fn first_global_pointer(elf: &AppElf) -> Option<u64> {
    let mut at = elf.entry.0;
    let mut upper = None;
    for _ in 0..16 {
        let instruction = isa::decode(elf.bytes_from(Address(at))?)?;
        if instruction.rd() == Register::GP && instruction.writes_integer_register() {
            match (instruction.op, upper) {
                (Op::Auipc, _) => upper = Some(at.wrapping_add_signed(instruction.immediate.into())),
                (Op::Addi, Some(upper)) if instruction.rs1() == Register::GP => {
                    return Some(u64::wrapping_add_signed(upper, instruction.immediate.into()));
                }
                _ => return None,
            }
        }
        // glibc calls its `load_gp` first.
        at = at.wrapping_add_signed(match instruction.op {
            Op::Jal => instruction.immediate.into(),
            _ => i64::from(instruction.length),
        });
    }
    None
}

/// Whether among the first instructions that the program executes, as far as they are easily followed, there are
/// compressed ones: Go's linker says there are none although its newer compilers write them.
fn starts_with_halves(elf: &AppElf) -> bool {
    const FOLLOWED: usize = 64;
    let mut at = elf.entry.0;
    let mut upper = None;
    for _ in 0..FOLLOWED {
        let Some(instruction) = elf.bytes_from(Address(at)).and_then(isa::decode) else { return false };
        if instruction.length == 2 || !at.is_multiple_of(4) {
            return true;
        }
        let far = upper.take().filter(|&(register, _)| register == instruction.rs1());
        let place = far.map(|(_, place): (Register, u64)| place.wrapping_add_signed(instruction.immediate.into()));
        at = match (instruction.op, place) {
            (Op::Jal, _) => at.wrapping_add_signed(instruction.immediate.into()),
            (Op::Jalr, Some(target)) => target,
            (Op::Jalr, None) => return false,
            (op, place) => {
                upper = match op {
                    Op::Auipc => Some(at.wrapping_add_signed(instruction.immediate.into())),
                    Op::Addi => place,
                    _ => None,
                }
                .map(|place| (instruction.rd(), place));
                at.wrapping_add(4)
            }
        };
    }
    false
}
