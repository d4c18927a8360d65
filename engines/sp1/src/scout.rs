//! The scout runs a program before SP1's executor does, instruction by instruction, for what that one does not tell: console
//! text byte by byte (the executor has lines), the cycle limit (it has none), and accesses that it carries out although no proof
//! of them exists. A result is the executor's; `machine` compares the two.

use crate::alu;
use crate::memory::Memory;
use sp1_core_executor::{Instruction, Opcode, Program, SyscallCode};
use std::sync::Arc;
use zeroos_engine_driver::Console;

/// SP1's constraints on memory keep programs out of addresses below.
const LOWEST_ADDRESS: u64 = 0x10000;
/// The executor's memory ends here.
const MEMORY_END: u64 = 1 << sp1_primitives::consts::MAX_JIT_LOG_ADDR;
/// The stream of WRITE that is the public output.
const PUBLIC: u64 = sp1_primitives::consts::fd::FD_PUBLIC_VALUES as u64;
/// The streams of WRITE that hand something to hooks of SP1, which answer by further input.
const HOOKS: std::ops::RangeInclusive<u64> = PUBLIC + 1..=PUBLIC + 8;

const T0: usize = 5;
const A0: usize = 10;
const A1: usize = 11;
const A2: usize = 12;

/// How a run ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The program halts, with this code.
    Halt(u32),
    /// It does what the executor refuses, too.
    Fault(String),
    /// It does what the executor does, but what nobody can prove.
    Unprovable(String),
    /// It is still running after as many cycles as it was allowed.
    Limit,
}

/// A run.
pub struct Scout<'a> {
    program: &'a Program,
    console: &'a Console,
    memory: Memory,
    /// The private input, until it is read.
    input: Option<&'a [u8]>,
    pc: u64,
    /// Registers x0–x31.
    pub registers: [u64; 32],
    /// Instructions so far.
    pub cycles: u64,
    /// Public output so far.
    pub public_output: Vec<u8>,
    /// Was COMMIT_DEFERRED called?
    pub commits_deferred: bool,
}

impl<'a> Scout<'a> {
    /// A run that has not begun.
    pub fn new(program: &'a Arc<Program>, input: &'a [u8], console: &'a Console) -> Self {
        let mut memory = Memory::default();
        for (address, word) in program.memory_image.iter() {
            memory.set_word(*address, *word);
        }
        Self {
            program,
            console,
            memory,
            input: Some(input),
            pc: program.pc_start_abs,
            registers: [0; 32],
            cycles: 0,
            public_output: Vec::new(),
            commits_deferred: false,
        }
    }

    /// Runs to the end, or for so many cycles.
    pub fn run(&mut self, max_cycles: u64) -> End {
        while self.cycles < max_cycles {
            if let Err(end) = self.step() {
                return end;
            }
        }
        End::Limit
    }

    /// Where the program is.
    pub fn pc(&self) -> u64 {
        self.pc
    }

    fn step(&mut self) -> Result<(), End> {
        let pc = self.pc;
        let instruction = (pc >= self.program.pc_base).then(|| self.program.fetch(pc)).flatten();
        let Some(instruction) = instruction else {
            return Err(End::Fault("a jump to where there is no instruction".to_string()));
        };
        if !pc.is_multiple_of(4) {
            return Err(End::Unprovable(
                "an instruction at an address that is no multiple of 4: SP1 proves none".to_string(),
            ));
        }
        let mut next_pc = pc.wrapping_add(4);
        let mut halt = None;

        let b = if instruction.imm_b { instruction.op_b } else { self.registers[instruction.op_b as usize & 31] };
        let c = if instruction.imm_c { instruction.op_c } else { self.registers[instruction.op_c as usize & 31] };
        let destination = instruction.op_a as usize;
        let result = match instruction.opcode {
            Opcode::ECALL => {
                halt = self.host_call()?;
                None
            }
            Opcode::EBREAK | Opcode::UNIMP => {
                return Err(End::Fault(
                    "an instruction that it does not execute (`fence`, `ebreak`, `unimp`, or of a CSR)".into(),
                ));
            }
            Opcode::LUI => Some(instruction.op_b),
            Opcode::AUIPC => Some(pc.wrapping_add(instruction.op_b)),
            Opcode::JAL => {
                next_pc = pc.wrapping_add(instruction.op_b);
                Some(pc.wrapping_add(4))
            }
            Opcode::JALR => {
                next_pc = b.wrapping_add(c) & !1;
                Some(pc.wrapping_add(4))
            }
            Opcode::SB | Opcode::SH | Opcode::SW | Opcode::SD => {
                let width = width(instruction);
                let address = self.address(b.wrapping_add(c), width, "store")?;
                self.memory.store(address, self.registers[destination], width);
                None
            }
            Opcode::LB | Opcode::LBU | Opcode::LH | Opcode::LHU | Opcode::LW | Opcode::LWU | Opcode::LD => {
                let width = width(instruction);
                let address = self.address(b.wrapping_add(c), width, "load")?;
                let value = self.memory.load(address, width);
                Some(match instruction.opcode {
                    Opcode::LB => i64::from(value as i8).cast_unsigned(),
                    Opcode::LH => i64::from(value as i16).cast_unsigned(),
                    Opcode::LW => i64::from(value as i32).cast_unsigned(),
                    _ => value,
                })
            }
            opcode => match alu::taken(opcode, self.registers[destination], b) {
                Some(true) => {
                    next_pc = pc.wrapping_add(c);
                    None
                }
                Some(false) => None,
                None => alu::compute(opcode, b, c),
            },
        };
        if let Some(result) = result {
            self.registers[destination] = result;
            self.registers[0] = 0;
        }
        self.cycles += 1;
        self.pc = next_pc;
        halt.map_or(Ok(()), |code| Err(End::Halt(code)))
    }

    /// An address that the program may access.
    fn address(&self, address: u64, width: u64, what: &str) -> Result<u64, End> {
        if !address.is_multiple_of(width) {
            Err(End::Fault(format!("a misaligned {what} of {width} bytes at {address:#x}")))
        } else if address > MEMORY_END - 8 {
            Err(End::Fault(format!("a {what} at {address:#x}, beyond its last address {:#x}", MEMORY_END - 1)))
        } else if address < LOWEST_ADDRESS {
            Err(End::Unprovable(format!("a {what} at {address:#x}: SP1 proves none below {LOWEST_ADDRESS:#x}")))
        } else {
            Ok(address)
        }
    }

    /// Carries out a host call; returns the code if that was the program's end.
    fn host_call(&mut self) -> Result<Option<u32>, End> {
        let [number, a0, a1, a2] = [T0, A0, A1, A2].map(|register| self.registers[register]);
        let call = |code: SyscallCode| code as u64 == number & 0xffff_ffff;
        let mut result = number & 0xffff_ffff;
        let mut halt = None;
        if call(SyscallCode::HALT) {
            halt = Some(a0 as u32);
        } else if call(SyscallCode::WRITE) {
            self.write(a0, a1, a2)?;
        } else if call(SyscallCode::HINT_LEN) {
            result = self.input.map_or(u64::MAX, |input| input.len() as u64);
        } else if call(SyscallCode::HINT_READ) {
            self.hint_read(a0, a1)?;
        } else if call(SyscallCode::COMMIT) {
            if a0 > 7 || a1 >> 32 != 0 {
                return Err(End::Fault(format!(
                    "COMMIT of word {a0} = {a1:#x}: there are words 0 to 7, of 32 bits (zero-extended)"
                )));
            }
        } else if call(SyscallCode::COMMIT_DEFERRED_PROOFS) {
            if a0 > 7 || a1 != 0 {
                return Err(End::Unprovable(format!(
                    "COMMIT_DEFERRED of word {a0} = {a1:#x}: there are words 0 to 7, and all are 0"
                )));
            }
            self.commits_deferred = true;
        } else {
            return Err(End::Fault(format!("host call {number:#x}, which this engine does not know")));
        }
        self.registers[T0] = result;
        Ok(halt)
    }

    fn write(&mut self, stream: u64, address: u64, length: u64) -> Result<(), End> {
        if address.checked_add(length).is_none_or(|end| end > MEMORY_END) {
            return Err(End::Fault(format!("WRITE of {length} bytes at {address:#x}, beyond the last address")));
        }
        match stream {
            1 | 2 => self.console.write(stream, &self.memory.peek(address, length)),
            PUBLIC => self.public_output.extend(self.memory.peek(address, length)),
            stream if HOOKS.contains(&stream) => {
                return Err(End::Fault(format!(
                    "WRITE to stream {stream}, a hook of SP1 that this engine does not know"
                )));
            }
            // The executor ignores it, too.
            _ => {}
        }
        Ok(())
    }

    /// Puts the input at `address`: as if that memory had always had it.
    fn hint_read(&mut self, address: u64, length: u64) -> Result<(), End> {
        let Some(input) = self.input.take() else {
            return Err(End::Fault("HINT_READ, but the one buffer of input was read before".to_string()));
        };
        if input.len() as u64 != length || !address.is_multiple_of(8) || address.saturating_add(length) > MEMORY_END - 8
        {
            return Err(End::Fault(format!(
                "HINT_READ of {length} bytes to {address:#x}: it has to be the {} bytes that HINT_LEN told, to a multiple of 8",
                input.len()
            )));
        }
        if address < LOWEST_ADDRESS {
            return Err(End::Unprovable(format!(
                "HINT_READ to {address:#x}: SP1 proves no access below {LOWEST_ADDRESS:#x}"
            )));
        }
        let mut words = input.chunks_exact(8);
        let last = [words.remainder(), &[0; 8]].concat();
        for (number, word) in words.by_ref().chain(std::iter::once(&last[..8])).enumerate() {
            let at = address + 8 * number as u64;
            let word = word.try_into().map(u64::from_le_bytes).unwrap_or_default();
            if !self.memory.set_word(at, word) {
                return Err(End::Unprovable(format!(
                    "HINT_READ of {length} bytes to {address:#x} fills {} words, and {at:#x} was in use before (the image has a \
                     segment there, or the program accessed it)",
                    length / 8 + 1
                )));
            }
        }
        Ok(())
    }
}

/// The bytes that a load or store accesses.
fn width(instruction: &Instruction) -> u64 {
    match instruction.opcode {
        Opcode::LB | Opcode::LBU | Opcode::SB => 1,
        Opcode::LH | Opcode::LHU | Opcode::SH => 2,
        Opcode::LW | Opcode::LWU | Opcode::SW => 4,
        _ => 8,
    }
}
