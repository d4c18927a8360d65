//! What a function of the linked kernel does to its caller, read from its instructions: which registers it changes, whether
//! it needs a stack, whether it asks where the call was made. A stub saves no more than that.

use std::collections::{BTreeMap, BTreeSet};

use super::kernel::LinkedKernel;
use crate::address::Address;
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet, decode};
use crate::plan::{KEPT, Privilege};

/// Longest body that is copied into a stub, bytes.
const LONGEST_BODY: usize = 16;

/// The effects of calling a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Callee {
    /// Registers that may be changed when it returns, beside those that it saves and restores.
    pub clobbers: RegisterSet,
    /// Whether it must run on the kernel stack, entered as the kernel is.
    pub needs_stack: bool,
    /// Whether it may ask for the address of the call.
    pub asks_for_place: bool,
    /// All it does, if that is short and the same anywhere: its instructions without the return.
    pub body: Option<Vec<u8>>,
}

/// What a piece of code does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Summary {
    clobbers: RegisterSet,
    needs_stack: bool,
    asks_for_place: bool,
    returns: bool,
}

impl Summary {
    const NOTHING: Summary =
        Summary { clobbers: RegisterSet::EMPTY, needs_stack: false, asks_for_place: false, returns: false };

    /// What nothing is known of.
    fn anything() -> Summary {
        Summary { clobbers: caller_saved(), needs_stack: true, asks_for_place: true, returns: true }
    }

    /// `self`, and then a call that did `other`.
    fn and(self, other: Summary) -> Summary {
        // Who never returns changes nothing for the caller, but may say where the call was made.
        let clobbers = if other.returns { other.clobbers } else { RegisterSet::EMPTY };
        Summary {
            clobbers: self.clobbers.union(clobbers),
            needs_stack: self.needs_stack || other.needs_stack,
            asks_for_place: self.asks_for_place || other.asks_for_place,
            returns: self.returns,
        }
    }
}

/// What a call may change (psABI, "Integer Register Convention"), a0 included.
pub(super) fn caller_saved() -> RegisterSet {
    let numbers = [1].into_iter().chain(5..=7).chain(10..=17).chain(28..=31);
    numbers.map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// `sfence.vma` (privileged ISA manual, "Supervisor Memory-Management Fence Instruction").
const SFENCE_VMA: [u8; 4] = 0x1200_0073u32.to_le_bytes();

/// Reads the functions of one kernel.
pub(super) struct Reader<'a> {
    kernel: &'a LinkedKernel,
    /// Functions that were read; those that are being read count as doing anything.
    known: BTreeMap<Address, Summary>,
    /// Functions that keep all registers but a0, as `trap.S` has them; what makes threads changes a1, too, as whoever jumps to it does.
    keeping: BTreeSet<Address>,
    /// The CSR that says where the call was made.
    place: u16,
}

impl<'a> Reader<'a> {
    pub fn new(kernel: &'a LinkedKernel, privilege: Privilege) -> Reader<'a> {
        let keeping = kernel.symbols.iter().filter(|symbol| symbol.name.starts_with(KEPT));
        Reader {
            kernel,
            known: BTreeMap::new(),
            keeping: keeping.map(|symbol| symbol.address).collect(),
            place: privilege.epc(),
        }
    }

    /// The function at `address`.
    pub fn callee(&mut self, address: Address) -> Callee {
        /// Calls in calls that are followed; deeper ones count as doing anything.
        const DEPTH: usize = 40;
        let summary = self.function(address, DEPTH);
        Callee {
            clobbers: summary.clobbers.intersection(caller_saved()),
            needs_stack: summary.needs_stack,
            asks_for_place: summary.asks_for_place,
            body: if summary.needs_stack || summary.asks_for_place { None } else { self.body(address) },
        }
    }

    fn function(&mut self, entry: Address, depth: usize) -> Summary {
        if let Some(&known) = self.known.get(&entry) {
            return known;
        }
        if depth == 0 {
            return Summary::anything();
        }
        self.known.insert(entry, Summary::anything());
        let mut summary = Summary::NOTHING;
        let mut open = vec![entry];
        let mut seen = BTreeSet::new();
        while let Some(mut at) = open.pop() {
            let mut before: Option<(Address, Instruction)> = None;
            while seen.insert(at) {
                let Some(bytes) = self.kernel.bytes_at(at) else { break };
                let Some(instruction) = decode(bytes) else {
                    match bytes {
                        // `unimp`: it traps, and does not return.
                        [0, 0, ..] => break,
                        // What the decoder does not know of supervisor mode: it changes no register.
                        bytes if bytes.starts_with(&SFENCE_VMA) => {
                            at = at.offset(SFENCE_VMA.len() as i64);
                            before = None;
                            continue;
                        }
                        _ => return self.learn(entry, Summary::anything()),
                    }
                };
                summary = summary.and(Summary { returns: true, ..own(&instruction, self.place) });
                let next = at.offset(i64::from(instruction.length));
                let links = instruction.rd() == Register::RA;
                let called = match instruction.flow() {
                    ControlFlow::Next => None,
                    ControlFlow::Branch(offset) => {
                        open.push(at.offset(offset.into()));
                        None
                    }
                    ControlFlow::Jump(offset) if links => Some(at.offset(offset.into())),
                    ControlFlow::Jump(offset) if instruction.rd() == Register::ZERO => {
                        summary = self.goes_on(at.offset(offset.into()), summary, &mut open, depth);
                        break;
                    }
                    ControlFlow::IndirectJump => match target(&instruction, before) {
                        Target::Return => {
                            summary.returns = true;
                            break;
                        }
                        Target::Known(target) if links => Some(target),
                        Target::Known(target) if instruction.rd() == Register::ZERO => {
                            summary = self.goes_on(target, summary, &mut open, depth);
                            break;
                        }
                        _ => return self.learn(entry, Summary::anything()),
                    },
                    ControlFlow::Trap if instruction.op == Op::Ebreak => break,
                    _ => return self.learn(entry, Summary::anything()),
                };
                if let Some(called) = called {
                    let callee = self.function(called, depth - 1);
                    summary = summary.and(callee);
                    summary.needs_stack = true;
                    if !callee.returns {
                        break;
                    }
                }
                before = Some((at, instruction));
                at = next;
            }
        }
        self.learn(entry, summary)
    }

    /// A function that did `summary` goes on at `target`, part of it unless that is known to keep registers.
    fn goes_on(&mut self, target: Address, summary: Summary, open: &mut Vec<Address>, depth: usize) -> Summary {
        if self.keeping.contains(&target) {
            return Summary { returns: true, ..summary.and(self.function(target, depth - 1)) };
        }
        open.push(target);
        summary
    }

    fn learn(&mut self, entry: Address, mut summary: Summary) -> Summary {
        if self.keeping.contains(&entry) {
            summary.clobbers = RegisterSet::EMPTY.with(Register::A0);
        }
        self.known.insert(entry, summary);
        summary
    }

    /// The instructions from `address` to a return, if no other way leads through them and they do the same anywhere.
    fn body(&self, address: Address) -> Option<Vec<u8>> {
        let bytes = self.kernel.bytes_at(address)?;
        let mut length = 0;
        loop {
            let instruction = decode(bytes.get(length..)?)?;
            let is_return = matches!(target(&instruction, None), Target::Return);
            if instruction.op == Op::Jalr && instruction.rd() == Register::ZERO && is_return {
                return bytes.get(..length).map(<[u8]>::to_vec);
            }
            let is_simple = instruction.flow() == ControlFlow::Next && instruction.op != Op::Auipc;
            length += usize::from(instruction.length);
            if !is_simple || length > LONGEST_BODY {
                return None;
            }
        }
    }
}

/// What one instruction does by itself, where CSR `place` says where the call was made.
fn own(instruction: &Instruction, place: u16) -> Summary {
    let effects = instruction.effects();
    let is_csr = (Op::Csrrw..=Op::Csrrci).contains(&instruction.op);
    let touches = |register| effects.uses.contains(register) || effects.defines.contains(register);
    Summary {
        clobbers: effects.defines,
        // The scratch register and the other CSRs are as expected only inside the kernel.
        needs_stack: touches(Register::SP) || is_csr,
        asks_for_place: is_csr && instruction.csr() == place,
        returns: false,
    }
}

enum Target {
    Return,
    Known(Address),
    Unknown,
}

/// Where a `jalr` leads: back to the caller, or where the `auipc` right before it says.
fn target(jump: &Instruction, before: Option<(Address, Instruction)>) -> Target {
    match before {
        Some((place, upper)) if upper.op == Op::Auipc && upper.rd == jump.rs1 && upper.rd != 0 => {
            Target::Known(place.offset(i64::from(upper.immediate) + i64::from(jump.immediate)))
        }
        _ if jump.rs1() == Register::RA && jump.rd() == Register::ZERO && jump.immediate == 0 => Target::Return,
        _ => Target::Unknown,
    }
}
