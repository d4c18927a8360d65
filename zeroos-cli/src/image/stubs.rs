//! The stubs: for each replaced `ecall` the code that enters the kernel, calls the function of that very call and goes back
//! behind the site. What is read afterwards keeps its value, and nothing is written to the program's stack.
//!
//! ```text
//! csrrw sp, mscratch, sp     sp: the thread, on top of its kernel stack; mscratch: the program's sp
//! sd    …, …(sp)             into the thread's frame: live registers that the callee changes
//! auipc t0, … ; addi t0, … ; csrw mepc, t0     where the call was made, if the callee asks
//! mv    a6, sp               the thread, if the callee wants it
//! call  zeroos_call_…
//! ld    t0, leave(sp) ; beqz t0, 1f ; jump zeroos_leave_otherwise     if the callee may
//! 1: ld …, …(sp)
//! csrrw sp, mscratch, sp
//! j     behind the site
//! ```
//!
//! The kernel may lie further away than `auipc` reaches: then the jumps there load its address from behind the stub.
//!
//! A callee that needs no stack and changes nothing that is live is called without all this, or copied here if it is short.
//! A call that may leave otherwise has all live registers and its arguments in the frame: another thread may run, a handler
//! may be entered, or the call be made again at its site.

use std::mem::offset_of;

use kernel_fragments::thread::Thread;

use super::callee::{self, Reader};
use super::kernel::LinkedKernel;
use super::layout::{Origin, Piece};
use super::{DirectSite, ImageError};
use crate::address::{Address, AddressRange, ByteCount};
use crate::catalog::Parameter;
use crate::elf::Permissions;
use crate::isa::{Instruction, Op, Register, RegisterSet, split_displacement};
use crate::plan::{Callee, DirectEntry, Jump, Plan};

const MSCRATCH: i32 = 0x340;
const MEPC: i32 = 0x341;
/// Where a thread says how its call leaves the kernel, in bytes.
const LEAVE: i32 = offset_of!(Thread, leave) as i32;
const ZERO: Register = Register::ZERO;
const T1: Register = Register::new(6);
const A6: Register = Register::new(16);
/// Stubs that lie this close together, in bytes, are one piece of the image.
const GAP: u64 = 512;

/// A stub at its address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stub {
    /// The `ecall` that it stands for.
    pub site: Address,
    /// Its first instruction.
    pub start: Address,
    /// Its code.
    pub bytes: Vec<u8>,
    /// The only call it makes, if it is one.
    number: Option<u64>,
}

impl Stub {
    /// What an engine must know of it.
    pub fn note(&self) -> DirectSite {
        DirectSite { site: self.site, stub: self.start, number: self.number }
    }
}

/// Writes the stubs of all sites, by site.
///
/// # Errors
/// A kernel that lacks a function, or a stub that does not fit its room.
pub(super) fn write(plan: &Plan, kernel: &LinkedKernel) -> Result<Vec<Stub>, ImageError> {
    let mut reader = Reader::new(kernel);
    plan.direct_sites().map(|(site, entry)| stub(plan, kernel, &mut reader, site, entry)).collect()
}

/// The stubs as pieces of an image.
pub(super) fn pieces(stubs: &[Stub]) -> Vec<Piece> {
    let mut ascending: Vec<&Stub> = stubs.iter().collect();
    ascending.sort_by_key(|stub| stub.start);
    let mut pieces: Vec<Piece> = Vec::new();
    for stub in ascending {
        let range = AddressRange::new(stub.start, ByteCount(stub.bytes.len() as u64)).unwrap_or_default();
        match pieces.last_mut() {
            Some(last) if (range.start() - last.range.end()).0 <= GAP => {
                last.bytes.resize((range.start() - last.range.start()).0 as usize, 0);
                last.bytes.extend_from_slice(&stub.bytes);
                last.range = AddressRange::between(last.range.start(), range.end()).unwrap_or_default();
            }
            _ => pieces.push(Piece {
                name: format!(".stubs.{}", pieces.len()),
                origin: Origin::Stubs,
                range,
                bytes: stub.bytes.clone(),
                permissions: Permissions { read: true, write: false, execute: true },
            }),
        }
    }
    pieces
}

fn stub(
    plan: &Plan,
    kernel: &LinkedKernel,
    reader: &mut Reader<'_>,
    site: Address,
    entry: &DirectEntry,
) -> Result<Stub, ImageError> {
    let fault = |what: &str| ImageError::Stub { site, what: what.into() };
    let symbol = |name: &str| kernel.symbol(name).ok_or_else(|| fault(&format!("the kernel has no `{name}`")));
    let target = symbol(&entry.callee.symbol())?;
    let callee = reader.callee(target);
    let leaves = plan.may_leave(entry.callee);
    let parameters = match entry.callee {
        Callee::Call(number) => plan.selection.handlers.get(&number).map(|(_, handler)| &handler.parameters),
        Callee::Dispatcher => None,
    };
    let takes_thread = leaves || parameters.is_none_or(|parameters| parameters.contains(&Parameter::Thread));
    let arguments = parameters.map_or(6, |list| list.iter().filter(|&one| *one == Parameter::Register).count());

    let mut changed = callee.clobbers;
    for (condition, register) in
        [(callee.body.is_none(), Register::RA), (callee.asks_for_place || leaves, Register::T0), (takes_thread, A6)]
    {
        changed = if condition { changed.with(register) } else { changed };
    }
    let live = entry.live.intersection(callee::caller_saved());
    let restored = live.intersection(changed).without(Register::A0);
    let mut saved = restored;
    if leaves {
        saved = live.union(again(entry, arguments)).without(Register::A0);
    }
    let enters = callee.needs_stack || takes_thread || !saved.is_empty();

    let mut code = Code { at: entry.stub.start(), bytes: Vec::new(), literals: Vec::new() };
    if let Jump::Far { number, .. } = entry.jump
        && (live.contains(Register::A7) || leaves || entry.callee == Callee::Dispatcher)
    {
        // The jump stands where this was.
        code.put(Op::Addi, Register::A7, ZERO, ZERO, number.0 as i64)?;
    }
    if enters {
        code.put(Op::Csrrw, Register::SP, Register::SP, ZERO, MSCRATCH.into())?;
    }
    for register in saved.iter() {
        code.put(Op::Sd, ZERO, Register::SP, register, slot(register))?;
    }
    if callee.asks_for_place || leaves {
        code.address(Register::T0, site)?;
        code.put(Op::Csrrw, ZERO, Register::T0, ZERO, MEPC.into())?;
    }
    if takes_thread {
        code.put(Op::Addi, A6, Register::SP, ZERO, 0)?;
    }
    match &callee.body {
        Some(body) => code.bytes.extend_from_slice(body),
        None => code.jump(Register::RA, Register::RA, target)?,
    }
    if leaves {
        code.put(Op::Ld, Register::T0, Register::SP, ZERO, LEAVE.into())?;
        code.unless_zero(Register::T0, T1, symbol("zeroos_leave_otherwise")?)?;
    }
    for register in restored.iter() {
        code.put(Op::Ld, register, Register::SP, ZERO, slot(register))?;
    }
    if enters {
        code.put(Op::Csrrw, Register::SP, Register::SP, ZERO, MSCRATCH.into())?;
    }
    let temporary = match entry.jump {
        Jump::Near => ZERO,
        Jump::Far { temporary, .. } => temporary,
    };
    code.jump(ZERO, temporary, site.offset(4))?;
    code.finish()?;
    if code.bytes.len() as u64 > entry.stub.size().0 {
        return Err(fault("it is larger than the room the plan gave it"));
    }
    let number = match (entry.callee, entry.jump) {
        (Callee::Call(number), _) | (_, Jump::Far { number, .. }) => Some(number.0),
        (Callee::Dispatcher, Jump::Near) => None,
    };
    Ok(Stub { site, start: entry.stub.start(), bytes: code.bytes, number })
}

/// What must be in the frame so that the call can be made again at its site: the arguments but a0, the number, and the
/// register by which the jump there goes on.
fn again(entry: &DirectEntry, arguments: usize) -> RegisterSet {
    let arguments = (11..10 + arguments as u8).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with);
    let again = arguments.with(Register::A7);
    match entry.jump {
        Jump::Near => again,
        Jump::Far { temporary, .. } => again.with(temporary),
    }
}

/// Where the frame keeps `register`, in bytes.
fn slot(register: Register) -> i64 {
    8 * i64::from(register.number())
}

/// Code that is being written.
struct Code {
    /// Where it starts.
    at: Address,
    bytes: Vec<u8>,
    /// Addresses that are loaded from behind the code: the offsets of the `auipc` and `ld` that want each.
    literals: Vec<(usize, Register, Address)>,
}

impl Code {
    fn next(&self) -> Address {
        self.at.offset(self.bytes.len() as i64)
    }

    fn put(&mut self, op: Op, rd: Register, rs1: Register, rs2: Register, immediate: i64) -> Result<(), ImageError> {
        let immediate = i32::try_from(immediate).ok();
        let word = immediate.and_then(|immediate| Instruction::new(op, rd, rs1, rs2, immediate).encode());
        let word = word.ok_or_else(|| ImageError::Stub {
            site: self.next(),
            what: format!("`{}` cannot be encoded", op.mnemonic()),
        })?;
        self.bytes.extend_from_slice(&word.to_le_bytes());
        Ok(())
    }

    /// `to - next`, for `auipc` and a 12-bit immediate.
    fn split(&self, to: Address) -> Result<(i64, i64), ImageError> {
        let displacement = to.0.wrapping_sub(self.next().0).cast_signed();
        let parts = split_displacement(displacement).map(|(high, low)| (high.into(), low.into()));
        parts.ok_or_else(|| ImageError::Stub { site: self.next(), what: format!("{to} is out of reach") })
    }

    /// `register` becomes the address `value`.
    fn address(&mut self, register: Register, value: Address) -> Result<(), ImageError> {
        let (high, low) = self.split(value)?;
        self.put(Op::Auipc, register, ZERO, ZERO, high)?;
        self.put(Op::Addi, register, register, ZERO, low)
    }

    /// To `to`, the return address in `link`; by `jal` if that reaches, else by `temporary`.
    fn jump(&mut self, link: Register, temporary: Register, to: Address) -> Result<(), ImageError> {
        let displacement = to.0.wrapping_sub(self.next().0).cast_signed();
        let near = i32::try_from(displacement).ok().map(|near| Instruction::new(Op::Jal, link, ZERO, ZERO, near));
        match near.and_then(|near| near.encode()) {
            Some(word) => {
                self.bytes.extend_from_slice(&word.to_le_bytes());
                Ok(())
            }
            None if temporary != ZERO => self.far_jump(link, temporary, to),
            None => Err(ImageError::Stub { site: self.next(), what: format!("{to} is out of reach") }),
        }
    }

    /// To `to` by `temporary`, however far.
    fn far_jump(&mut self, link: Register, temporary: Register, to: Address) -> Result<(), ImageError> {
        if let Ok((high, low)) = self.split(to) {
            self.put(Op::Auipc, temporary, ZERO, ZERO, high)?;
            return self.put(Op::Jalr, link, temporary, ZERO, low);
        }
        self.literals.push((self.bytes.len(), temporary, to));
        self.put(Op::Auipc, temporary, ZERO, ZERO, 0)?;
        self.put(Op::Ld, temporary, temporary, ZERO, 0)?;
        self.put(Op::Jalr, link, temporary, ZERO, 0)
    }

    /// To `to` by `temporary`, unless `register` is 0.
    fn unless_zero(&mut self, register: Register, temporary: Register, to: Address) -> Result<(), ImageError> {
        let branch = self.bytes.len();
        self.put(Op::Beq, ZERO, register, ZERO, 0)?;
        self.far_jump(ZERO, temporary, to)?;
        let over = (self.bytes.len() - branch) as i64;
        self.replace(branch, |code| code.put(Op::Beq, ZERO, register, ZERO, over))
    }

    /// Puts the addresses that are loaded behind the code, on multiples of their size.
    fn finish(&mut self) -> Result<(), ImageError> {
        for (at, register, value) in std::mem::take(&mut self.literals) {
            while !self.next().0.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let displacement = (self.bytes.len() - at) as i64;
            self.replace(at + 4, |code| code.put(Op::Ld, register, register, ZERO, displacement))?;
            self.bytes.extend_from_slice(&value.0.to_le_bytes());
        }
        Ok(())
    }

    /// Writes the instruction at offset `at` again.
    fn replace(
        &mut self,
        at: usize,
        write: impl FnOnce(&mut Code) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let behind = self.bytes.split_off(at);
        let written = write(self);
        self.bytes.extend_from_slice(behind.get(4..).unwrap_or_default());
        written
    }
}
