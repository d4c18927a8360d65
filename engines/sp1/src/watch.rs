//! Watches the executor, instruction by instruction, for what it does not tell itself: console text exactly as it was written, and
//! accesses that it carries out although no proof of them exists.

use sp1_core_executor::{Instruction, Program, SyscallCode};
use sp1_jit::debug::State;
use std::collections::HashMap;
use std::sync::Arc;

/// SP1's constraints on memory keep programs out of addresses below.
const LOWEST_ADDRESS: u64 = 0x10000;

const T0: usize = 5;
const A0: usize = 10;
const A1: usize = 11;
const A2: usize = 12;

/// What an instruction that is about to be executed means for the engine.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// Text for the console's stream `fd`.
    Console {
        /// 1 or 2.
        fd: u64,
        /// Where the text is.
        address: u64,
        /// How many bytes.
        length: u64,
    },
    /// No proof of this exists, for this reason.
    Unprovable(String),
}

/// What was seen so far of a run.
pub struct Watch {
    program: Arc<Program>,
    touched: Touched,
    /// Was COMMIT_DEFERRED called?
    pub commits_deferred: bool,
}

impl Watch {
    /// Watches a run of this program.
    pub fn new(program: Arc<Program>) -> Self {
        let mut touched = Touched::default();
        for address in program.memory_image.keys() {
            touched.insert(*address);
        }
        Self { program, touched, commits_deferred: false }
    }

    /// The state before an instruction.
    pub fn see(&mut self, state: &State) -> Seen {
        let Some(instruction) = instruction(&self.program, state.pc) else {
            // The executor will say so.
            return Seen::Nothing;
        };
        if instruction.is_ecall_instruction() {
            return self.host_call(state);
        }
        let address = if instruction.is_memory_load_instruction() {
            let (_, base, offset) = instruction.i_type();
            state.registers[base as usize].wrapping_add(offset)
        } else if instruction.is_memory_store_instruction() {
            let (_, base, offset) = instruction.s_type();
            state.registers[base as usize].wrapping_add(offset)
        } else {
            return Seen::Nothing;
        };
        if address < LOWEST_ADDRESS {
            return Seen::Unprovable(format!(
                "an access to {address:#x}, at pc {:#x}: SP1 proves none below {LOWEST_ADDRESS:#x}",
                state.pc
            ));
        }
        self.touched.insert(address);
        Seen::Nothing
    }

    fn host_call(&mut self, state: &State) -> Seen {
        let [number, a0, a1, a2] = [T0, A0, A1, A2].map(|register| state.registers[register]);
        match number as u32 {
            number if number == SyscallCode::WRITE as u32 && (a0 == 1 || a0 == 2) => {
                Seen::Console { fd: a0, address: a1, length: a2 }
            }
            number if number == SyscallCode::COMMIT_DEFERRED_PROOFS as u32 => {
                self.commits_deferred = true;
                Seen::Nothing
            }
            number if number == SyscallCode::HINT_READ as u32 => self.hint_read(state.pc, a0, a1),
            _ => Seen::Nothing,
        }
    }

    /// A buffer of input is put at `address`: as if that memory had always had it.
    fn hint_read(&mut self, pc: u64, address: u64, length: u64) -> Seen {
        if address < LOWEST_ADDRESS {
            return Seen::Unprovable(format!(
                "HINT_READ to {address:#x}, at pc {pc:#x}: SP1 proves no access below {LOWEST_ADDRESS:#x}"
            ));
        }
        let words = length / 8 + 1;
        for word in (0..words).map(|word| address.wrapping_add(8 * word)) {
            if !self.touched.insert(word) {
                return Seen::Unprovable(format!(
                    "HINT_READ of {length} bytes to {address:#x}, at pc {pc:#x}, fills {words} words, and {word:#x} was in use \
                     before: the image has a segment there, or the program accessed it"
                ));
            }
        }
        Seen::Nothing
    }
}

/// The instruction at an address, if there is one.
pub fn instruction(program: &Program, pc: u64) -> Option<&Instruction> {
    (pc >= program.pc_base).then(|| program.fetch(pc)).flatten()
}

/// The 8-byte words of memory that have been accessed.
#[derive(Default)]
struct Touched {
    /// One bit a word: 4 KiB of memory to each entry.
    pages: HashMap<u64, [u64; 8]>,
    /// The page of the last access that was new to its page, and its bits: most accesses stay where they were.
    recent: Option<(u64, [u64; 8])>,
}

impl Touched {
    /// Notes the word that holds this address; was it new?
    fn insert(&mut self, address: u64) -> bool {
        let (page, word) = (address >> 12, address >> 3 & 511);
        let (index, bit) = ((word >> 6) as usize, 1 << (word & 63));
        if let Some((recent, bits)) = &self.recent
            && *recent == page
            && bits[index] & bit != 0
        {
            return false;
        }
        let bits = self.pages.entry(page).or_default();
        let new = bits[index] & bit == 0;
        bits[index] |= bit;
        self.recent = Some((page, *bits));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::Touched;

    #[test]
    fn words_are_new_once() {
        let mut touched = Touched::default();
        for address in [0x10000, 0x10008, 0x11000, 0x1_0000_0000] {
            assert!(touched.insert(address), "{address:#x}");
            assert!(!touched.insert(address + 7), "{address:#x}");
        }
        assert!(!touched.insert(0x10004));
        assert!(touched.insert(0x10010));
    }
}
