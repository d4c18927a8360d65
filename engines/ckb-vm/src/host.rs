//! The host calls beside the machine's own exit (93): the chain's debug print, and what a program needs to read its private
//! input, to write its public output, and to use a console. The numbers of these are ours, far from the chain's; the
//! table in the engines' README is what platforms are written against.

use ckb_vm::memory::load_c_string_byte_by_byte;
use ckb_vm::registers::{A0, A1, A2, A7};
use ckb_vm::{Error, Memory, Register, SupportMachine, Syscalls};
use std::sync::{Arc, Mutex, PoisonError};
use zeroos_engine_driver::Console;

/// The chain's: NUL-terminated text at a0, for whoever debugs.
const DEBUG_PRINT: u64 = 2177;
/// Writes a2 bytes at a1 to the console, stream a0 (1 or 2).
const CONSOLE_WRITE: u64 = 0x5a00;
/// Returns the number of bytes of private input.
const INPUT_LENGTH: u64 = 0x5a01;
/// Copies up to a2 bytes of private input, from offset a1 on, to a0; returns how many.
const INPUT_READ: u64 = 0x5a02;
/// Appends a1 bytes at a0 to the public output.
const PUBLIC_WRITE: u64 = 0x5a03;

/// The host side of a run.
pub struct Host {
    input: Vec<u8>,
    console: Console,
    /// Shared with whoever started the run: the machine owns its host.
    public_output: Arc<Mutex<Vec<u8>>>,
}

impl Host {
    /// A host with this private input, and the place where the public output will be.
    pub fn new(input: Vec<u8>, console: Console) -> (Self, Arc<Mutex<Vec<u8>>>) {
        let public_output = Arc::new(Mutex::new(Vec::new()));
        (Self { input, console, public_output: public_output.clone() }, public_output)
    }

    /// Copies input into the program's memory: whole, or not at all.
    fn read_input<M: SupportMachine>(&self, machine: &mut M, to: u64, offset: u64, length: u64) -> Result<u64, Error> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.input.get(offset..)).unwrap_or_default();
        let piece = &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))];
        machine.memory_mut().store_bytes(to, piece)?;
        Ok(piece.len() as u64)
    }
}

impl<M: SupportMachine> Syscalls<M> for Host {
    fn initialize(&mut self, _machine: &mut M) -> Result<(), Error> {
        Ok(())
    }

    fn ecall(&mut self, machine: &mut M) -> Result<bool, Error> {
        let register = |number: usize| machine.registers()[number].to_u64();
        let (number, a0, a1, a2) = (register(A7), register(A0), register(A1), register(A2));
        let result = match number {
            DEBUG_PRINT => {
                let mut text = load_c_string_byte_by_byte(machine.memory_mut(), &M::REG::from_u64(a0))?.to_vec();
                text.push(b'\n');
                self.console.write(2, &text);
                0
            }
            CONSOLE_WRITE if a0 == 1 || a0 == 2 => {
                let bytes = machine.memory_mut().load_bytes(a1, a2)?;
                self.console.write(a0, &bytes);
                0
            }
            CONSOLE_WRITE => {
                return Err(Error::External(format!("console write to stream {a0}, which is neither 1 nor 2")));
            }
            INPUT_LENGTH => self.input.len() as u64,
            INPUT_READ => self.read_input(machine, a0, a1, a2)?,
            PUBLIC_WRITE => {
                let bytes = machine.memory_mut().load_bytes(a0, a1)?;
                self.public_output.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes);
                0
            }
            _ => return Ok(false),
        };
        machine.set_register(A0, M::REG::from_u64(result));
        Ok(true)
    }
}
