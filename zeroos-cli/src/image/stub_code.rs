//! The instructions of a stub, written one after another from its address on, by the inverse of the one decoder.

use super::ImageError;
use crate::address::Address;
use crate::isa::{Instruction, Op, Register, RegisterSet, split_displacement};
use crate::plan::{Callee, Privilege};

/// Where a frame keeps sp and pc, in bytes.
const SP_SLOT: i64 = 16;
const PC_SLOT: i64 = 0;
const ZERO: Register = Register::ZERO;
const T1: Register = Register::new(6);

/// How code finds the running thread, which is the top of its kernel stack, and keeps the program's stack pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RunningThread {
    /// The scratch CSR of this mode, `mscratch` or `sscratch`, holds the one that sp does not.
    Scratch(Privilege),
    /// There is only this thread; its frame keeps the stack pointer.
    Only(Address),
    /// The word there holds its address; its frame keeps the stack pointer.
    Word(Address),
}

impl RunningThread {
    /// Whether it is found in memory, without CSRs.
    pub fn is_in_memory(self) -> bool {
        !matches!(self, RunningThread::Scratch(_))
    }
}

/// A branch whose target is not known yet.
pub(super) struct Branch {
    at: usize,
    op: Op,
    register: Register,
}

/// Code that is being written.
pub(super) struct StubCode {
    /// Where it starts.
    at: Address,
    /// What was written.
    pub bytes: Vec<u8>,
    /// Addresses that are loaded from behind the code: the offsets of the `auipc` and `ld` that want each.
    literals: Vec<(usize, Register, Address)>,
}

impl StubCode {
    /// Nothing yet, for address `at`.
    pub fn new(at: Address) -> StubCode {
        StubCode { at, bytes: Vec::new(), literals: Vec::new() }
    }

    /// Where the next instruction will lie.
    pub fn next(&self) -> Address {
        self.at.offset(self.bytes.len() as i64)
    }

    pub fn put(
        &mut self,
        op: Op,
        rd: Register,
        rs1: Register,
        rs2: Register,
        immediate: i64,
    ) -> Result<(), ImageError> {
        let immediate = i32::try_from(immediate).ok();
        let word = immediate.and_then(|immediate| Instruction::new(op, rd, rs1, rs2, immediate).encode());
        let word = word.ok_or_else(|| ImageError::Stub {
            site: self.next(),
            what: format!("`{}` cannot be encoded", op.mnemonic()),
        })?;
        self.bytes.extend_from_slice(&word.to_le_bytes());
        Ok(())
    }

    /// `instructions`, which stood before the site. Where the call is made again, the jump at the site must go on behind them: so far
    /// `temporary` moves, from which it jumps.
    pub fn moved(
        &mut self,
        instructions: impl Iterator<Item = Instruction>,
        temporary: Option<Register>,
    ) -> Result<(), ImageError> {
        let start = self.bytes.len();
        for Instruction { op, rd, rs1, rs2, immediate, .. } in instructions {
            let [rd, rs1, rs2] = [rd, rs1, rs2].map(Register::new);
            self.put(op, rd, rs1, rs2, immediate.into())?;
        }
        let behind = self.bytes.len() - start + 4;
        temporary.map_or(Ok(()), |temporary| self.put(Op::Addi, temporary, temporary, ZERO, behind as i64))
    }

    /// `to - next`, for `auipc` and a 12-bit immediate.
    fn split(&self, to: Address) -> Result<(i64, i64), ImageError> {
        let displacement = to.0.wrapping_sub(self.next().0).cast_signed();
        let parts = split_displacement(displacement).map(|(high, low)| (high.into(), low.into()));
        parts.ok_or_else(|| ImageError::Stub { site: self.next(), what: format!("{to} is out of reach") })
    }

    /// `register` becomes the address `value`.
    pub fn address(&mut self, register: Register, value: Address) -> Result<(), ImageError> {
        let (high, low) = self.split(value)?;
        self.put(Op::Auipc, register, ZERO, ZERO, high)?;
        self.put(Op::Addi, register, register, ZERO, low)
    }

    /// To `to`, the return address in `link`; by `jal` if that reaches, else by `temporary`.
    pub fn jump(&mut self, link: Register, temporary: Register, to: Address) -> Result<(), ImageError> {
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
    pub fn far_jump(&mut self, link: Register, temporary: Register, to: Address) -> Result<(), ImageError> {
        if let Ok((high, low)) = self.split(to) {
            self.put(Op::Auipc, temporary, ZERO, ZERO, high)?;
            return self.put(Op::Jalr, link, temporary, ZERO, low);
        }
        self.literal(temporary, to)?;
        self.put(Op::Jalr, link, temporary, ZERO, 0)
    }

    /// `register` becomes `value`, which is put behind the code.
    fn literal(&mut self, register: Register, value: Address) -> Result<(), ImageError> {
        self.literals.push((self.bytes.len(), register, value));
        self.put(Op::Auipc, register, ZERO, ZERO, 0)?;
        self.put(Op::Ld, register, register, ZERO, 0)
    }

    /// From the program's stack to the kernel's: sp becomes the thread. `scratch` is changed where there are no CSRs.
    pub fn enter(&mut self, thread: RunningThread, scratch: Register) -> Result<(), ImageError> {
        match thread {
            RunningThread::Scratch(privilege) => {
                return self.put(Op::Csrrw, Register::SP, Register::SP, ZERO, privilege.scratch().into());
            }
            RunningThread::Only(address) => match self.split(address) {
                Ok(_) => self.address(scratch, address)?,
                Err(_) => self.literal(scratch, address)?,
            },
            RunningThread::Word(address) => match self.split(address) {
                Ok((high, low)) => {
                    self.put(Op::Auipc, scratch, ZERO, ZERO, high)?;
                    self.put(Op::Ld, scratch, scratch, ZERO, low)?;
                }
                Err(_) => {
                    self.literal(scratch, address)?;
                    self.put(Op::Ld, scratch, scratch, ZERO, 0)?;
                }
            },
        }
        self.put(Op::Sd, ZERO, scratch, Register::SP, SP_SLOT)?;
        self.put(Op::Addi, Register::SP, scratch, ZERO, 0)
    }

    /// Back to the program's stack.
    pub fn leave(&mut self, thread: RunningThread) -> Result<(), ImageError> {
        match thread {
            RunningThread::Scratch(_) => self.enter(thread, ZERO),
            RunningThread::Only(_) | RunningThread::Word(_) => {
                self.put(Op::Ld, Register::SP, Register::SP, ZERO, SP_SLOT)
            }
        }
    }

    /// Inside the kernel: tells it that the call was made right before `behind`, which `link` holds, if it is given; else
    /// t0 is changed.
    pub fn place(&mut self, thread: RunningThread, link: Option<Register>, behind: Address) -> Result<(), ImageError> {
        match thread {
            RunningThread::Scratch(privilege) => {
                let place = self.place_register(link, behind)?;
                self.put(Op::Csrrw, ZERO, place, ZERO, privilege.epc().into())
            }
            RunningThread::Only(_) | RunningThread::Word(_) => self.place_in_frame(link, behind),
        }
    }

    /// The same in the running thread's frame, whatever the kernel asks.
    pub fn place_in_frame(&mut self, link: Option<Register>, behind: Address) -> Result<(), ImageError> {
        let place = self.place_register(link, behind)?;
        self.put(Op::Sd, ZERO, Register::SP, place, PC_SLOT)
    }

    /// A register that holds `behind`.
    fn place_register(&mut self, link: Option<Register>, behind: Address) -> Result<Register, ImageError> {
        if link.is_none() {
            self.address(Register::T0, behind)?;
        }
        Ok(link.unwrap_or(Register::T0))
    }

    /// Inside the kernel: puts `registers` into the frame.
    pub fn save(&mut self, registers: RegisterSet) -> Result<(), ImageError> {
        registers.iter().try_for_each(|register| self.put(Op::Sd, ZERO, Register::SP, register, slot(register)))
    }

    /// Inside the kernel: loads `registers` from the frame.
    pub fn load(&mut self, registers: RegisterSet) -> Result<(), ImageError> {
        registers.iter().try_for_each(|register| self.put(Op::Ld, register, Register::SP, ZERO, slot(register)))
    }

    /// Inside the kernel: puts `registers` into the frame, and the number of the call, if only `callee` knows it. t1 is changed.
    pub fn complete(&mut self, registers: RegisterSet, callee: Callee) -> Result<(), ImageError> {
        self.save(registers)?;
        if let Callee::Call(number) = callee {
            self.number(T1, number.0)?;
            self.put(Op::Sd, ZERO, Register::SP, T1, slot(Register::A7))?;
        }
        Ok(())
    }

    /// The last step of a thread that goes on at `to` with `link` as its jump there would have set it: `last` and sp, all
    /// that is still missing, come from its frame, which sp points to.
    pub fn continuation(
        &mut self,
        last: Register,
        temporary: Register,
        link: Option<(Register, Address)>,
        to: Address,
    ) -> Result<Address, ImageError> {
        let start = self.next();
        self.put(Op::Ld, last, Register::SP, ZERO, slot(last))?;
        self.put(Op::Ld, Register::SP, Register::SP, ZERO, SP_SLOT)?;
        if let Some((link, behind)) = link {
            self.address(link, behind)?;
        }
        self.jump(ZERO, temporary, to)?;
        Ok(start)
    }

    /// `register` becomes `number`.
    pub fn number(&mut self, register: Register, number: u64) -> Result<(), ImageError> {
        self.put(Op::Addi, register, ZERO, ZERO, number.cast_signed())
    }

    /// A branch that is taken unless `register` is 0, to where [`lands_here`](Self::lands_here) says.
    pub fn branch_unless_zero(&mut self, register: Register) -> Result<Branch, ImageError> {
        self.branch(Op::Bne, register)
    }

    /// The same, if `register` is 0.
    pub fn branch_if_zero(&mut self, register: Register) -> Result<Branch, ImageError> {
        self.branch(Op::Beq, register)
    }

    fn branch(&mut self, op: Op, register: Register) -> Result<Branch, ImageError> {
        let branch = Branch { at: self.bytes.len(), op, register };
        self.put(op, ZERO, register, ZERO, 0)?;
        Ok(branch)
    }

    /// A branch that is taken unless a7 is `number`; `temporary` is changed.
    pub fn unless_number(&mut self, temporary: Register, number: u64) -> Result<Branch, ImageError> {
        self.put(Op::Addi, temporary, Register::A7, ZERO, number.cast_signed().wrapping_neg())?;
        self.branch_unless_zero(temporary)
    }

    /// `branch` leads to what is written next.
    pub fn lands_here(&mut self, branch: Branch) -> Result<(), ImageError> {
        let displacement = (self.bytes.len() - branch.at) as i64;
        self.replace(branch.at, |code| code.put(branch.op, ZERO, branch.register, ZERO, displacement))
    }

    /// Puts the addresses that are loaded behind the code, on multiples of their size.
    pub fn finish(&mut self) -> Result<(), ImageError> {
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
        write: impl FnOnce(&mut StubCode) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        let behind = self.bytes.split_off(at);
        let written = write(self);
        self.bytes.extend_from_slice(behind.get(4..).unwrap_or_default());
        written
    }
}

/// Where the frame keeps `register`, in bytes.
fn slot(register: Register) -> i64 {
    8 * i64::from(register.number())
}
