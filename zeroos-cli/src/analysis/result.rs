//! What the analysis hands to the later stages. All addresses are the file's own.

use std::collections::{BTreeMap, BTreeSet};

use super::Finished;
use crate::address::Address;
use crate::isa::{Instruction, Op, RegisterSet};
use crate::linux::SyscallNumber;

/// Everything the later stages need to know about the program's code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Analysis {
    /// Every `ecall` found, by address; those that no path from the entry reaches have `reachable` false.
    pub sites: Vec<Site>,
    /// What the reachable code needs from the hart.
    pub features: ProgramFeatures,
    /// Reachable indirect jumps whose targets could not be bounded, by address (indirect calls and returns are not
    /// listed: those are covered by the address-taken functions and by the callers).
    pub unbounded_jumps: Vec<Address>,
    /// Which partition of the data decided what address-taken functions are live: for people, one sentence.
    pub address_taken_rule: String,
    /// What gp holds at every `ecall`, if the program sets it once for all (psABI, "Global pointer").
    pub global_pointer: Option<Address>,
    /// What start-up leaves behind for good, if some of that counts as never executed.
    pub finished: Option<Finished>,
}

/// One `ecall`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// Address of the 4-byte `ecall`.
    pub address: Address,
    /// Entry address of the function it belongs to.
    pub function: Address,
    /// That function's name: its symbol (demangled) or `fn_0x…`.
    pub function_name: String,
    /// What is known about a7 there.
    pub evidence: Evidence,
    /// Addresses of the instructions that bring each number into being: its constants, in this function or in callers;
    /// empty for an unbounded site.
    pub origins: BTreeMap<SyscallNumber, BTreeSet<Address>>,
    /// Which values a0 to a5 can have, as far as they are constants of its own function; `None` for anything.
    pub arguments: [Option<BTreeSet<u64>>; 6],
    /// Whether a path from the program's entry reaches it.
    pub reachable: bool,
    /// Names of the functions from the entry to the site's function, both included: a shortest path. Empty when
    /// unreachable, and where control is lost, so that the site may run although no path to it was seen.
    pub chain: Vec<String>,
    /// Integer registers whose value from before the `ecall` may be read after it (a0 is never listed).
    pub live_after: RegisterSet,
    /// Registers that callees keep, and that no code reads behind it, which certainly nobody looks for, not even an unwinder.
    pub dead_kept: RegisterSet,
    /// Caller-saved temporaries that are certainly dead across it.
    pub dead_temporaries: RegisterSet,
    /// Whether a recovered jump or branch targets the `ecall` itself.
    pub branch_target: bool,
    /// The instructions that fill the four bytes before it, if control gets to the `ecall` only through all of them; else none.
    pub before: Vec<Instruction>,
}

/// How the numbers of a site are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// One constant, set in the function itself.
    Constant(SyscallNumber),
    /// A set, carried through joins, wrappers, the stack or memory; `why` says from where in one sentence.
    Propagated {
        /// All numbers it can carry; never empty.
        numbers: BTreeSet<SyscallNumber>,
        /// Where they come from.
        why: String,
    },
    /// Any number: which value was lost, and where.
    Unbounded {
        /// One sentence.
        why: String,
    },
}

/// Which instruction-set extensions reachable code uses, with the first address of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProgramFeatures {
    /// F or D (or their CSRs).
    pub float: Option<Address>,
    /// D.
    pub double: Option<Address>,
    /// A.
    pub atomics: Option<Address>,
    /// C.
    pub compressed: Option<Address>,
    /// Zba, Zbb or Zbs.
    pub bit_manipulation: Option<Address>,
    /// Counters of cycles, time and instructions.
    pub counters: Option<Address>,
}

impl ProgramFeatures {
    /// Adds what `others` say.
    pub(super) fn add(&mut self, others: &ProgramFeatures) {
        let first = |known: &mut Option<Address>, other: Option<Address>| {
            *known = known.iter().copied().chain(other).min();
        };
        first(&mut self.float, others.float);
        first(&mut self.double, others.double);
        first(&mut self.atomics, others.atomics);
        first(&mut self.compressed, others.compressed);
        first(&mut self.bit_manipulation, others.bit_manipulation);
        first(&mut self.counters, others.counters);
    }

    /// Takes note of what `instruction` at `at` needs.
    pub(super) fn note(&mut self, instruction: &Instruction, at: u64) {
        let first = |known: &mut Option<Address>| {
            if known.is_none_or(|known| at < known.0) {
                *known = Some(Address(at));
            }
        };
        if instruction.length == 2 {
            first(&mut self.compressed);
        }
        let op = instruction.op;
        if op < Op::Csrrw || (Op::Mret..Op::LrW).contains(&op) {
            return;
        }
        if (Op::LrW..=Op::AmomaxuD).contains(&op) {
            first(&mut self.atomics);
        }
        if op >= Op::AddUw {
            first(&mut self.bit_manipulation);
        }
        let is_csr = (Op::Csrrw..=Op::Csrrci).contains(&op);
        if (Op::Flw..=Op::FmvDX).contains(&op) || is_csr && instruction.csr() <= 3 {
            first(&mut self.float);
        } else if instruction.reads_counter() {
            first(&mut self.counters);
        }
        if (Op::Fld..=Op::FmvDX).contains(&op) {
            first(&mut self.double);
        }
    }
}

impl Evidence {
    /// The numbers, or `None` when unbounded.
    pub fn numbers(&self) -> Option<BTreeSet<SyscallNumber>> {
        match self {
            Evidence::Constant(number) => Some(BTreeSet::from([*number])),
            Evidence::Propagated { numbers, .. } => Some(numbers.clone()),
            Evidence::Unbounded { .. } => None,
        }
    }
}
