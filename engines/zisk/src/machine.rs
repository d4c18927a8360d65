//! The loop that drives ZisK: fetch an instruction of the transpiled program, get its two operands, let ZisK's own operation work
//! on them, store the result, go on. What each field of an instruction means is documented in `zisk_core::zisk_inst`.

use crate::load;
use zeroos_engine_driver::{Console, Ending, Engine, Finished, Refusal, Run, catching};
use zisk_core::{
    InstContext, OUTPUT_ADDR, SRC_C, SRC_IMM, SRC_IND, SRC_MEM, SRC_REG, SRC_STEP, STORE_IND, STORE_MEM, STORE_REG,
    UART_ADDR, ZiskInst, ZiskRom,
};

/// The version of the crates, as `Cargo.toml` pins them.
pub const VERSION: &str = "1.4.0-alpha";

/// What ZisK publishes of the output area at the end of a run.
const PUBLIC_OUTPUT_MAX: u64 = 256;
/// Where an image leaves the length of its public output: a convention of zeroos, since ZisK always publishes the whole area.
const PUBLIC_OUTPUT_LENGTH_ADDR: u64 = OUTPUT_ADDR + PUBLIC_OUTPUT_MAX;

/// ZisK.
pub struct Zisk;

impl Engine for Zisk {
    const NAME: &'static str = "zeroos-engine-zisk";
    const VERSION: &'static str = VERSION;

    fn run(&self, run: &Run, console: &Console) -> Result<Finished, Refusal> {
        let rom = load::program(&run.image)?;
        let mut machine = Machine { state: load::state(&rom, &run.input)?, rom: &rom, access: None, console };
        let max_steps = run.max_cycles.unwrap_or(u64::MAX);

        let mut ending = match catching(|| machine.run(max_steps)) {
            Ok(()) => machine.ending(max_steps),
            Err(panic) => Ending::Stopped(machine.fault(&panic)),
        };
        let mut public_output = Vec::new();
        if matches!(ending, Ending::Exit(_)) {
            match machine.public_output() {
                Ok(bytes) => public_output = bytes,
                Err(message) => ending = Ending::Stopped(message),
            }
        }
        Ok(Finished { ending, cycles: machine.state.step, public_output })
    }
}

/// A program and its state.
struct Machine<'a> {
    rom: &'a ZiskRom,
    state: InstContext,
    /// The memory access that is going on, for the message if it fails.
    access: Option<Access>,
    console: &'a Console,
}

/// An access to memory.
#[derive(Clone, Copy)]
struct Access {
    what: &'static str,
    width: u64,
    address: u64,
}

impl Machine<'_> {
    /// Runs until the program ends, fails, or has taken so many steps. Panics where ZisK's crates do: on a bad access.
    fn run(&mut self, max_steps: u64) {
        while !self.state.end && self.state.step < max_steps {
            self.step();
        }
    }

    fn step(&mut self) {
        let rom = self.rom;
        let instruction = rom.get_instruction(self.state.pc);
        // The tables that the program is looked up in have holes, filled with nothing.
        assert!(!instruction.op_str.is_empty(), "there is no instruction at this address");

        self.state.a = self.operand_a(instruction);
        self.state.b = self.operand_b(instruction);
        (instruction.func)(&mut self.state);
        self.store(instruction);

        let state = &mut self.state;
        state.pc = if instruction.set_pc {
            state.c.wrapping_add_signed(instruction.jmp_offset1)
        } else if state.flag {
            state.pc.wrapping_add_signed(instruction.jmp_offset1)
        } else {
            state.pc.wrapping_add_signed(instruction.jmp_offset2)
        };
        state.end = instruction.end;
        state.step += 1;
    }

    fn operand_a(&mut self, instruction: &ZiskInst) -> u64 {
        match instruction.a_src {
            SRC_C => self.state.c,
            SRC_REG => self.state.regs[instruction.a_offset_imm0 as usize],
            SRC_MEM => self.load(self.at(instruction.a_offset_imm0, instruction.a_use_sp_imm1 != 0), 8),
            SRC_IMM => instruction.a_offset_imm0 | instruction.a_use_sp_imm1 << 32,
            SRC_STEP => self.state.step,
            source => panic!("the first operand comes from source {source}, which this engine does not know"),
        }
    }

    fn operand_b(&mut self, instruction: &ZiskInst) -> u64 {
        match instruction.b_src {
            SRC_C => self.state.c,
            SRC_REG => self.state.regs[instruction.b_offset_imm0 as usize],
            SRC_MEM => self.load(self.at(instruction.b_offset_imm0, instruction.b_use_sp_imm1 != 0), 8),
            SRC_IMM => instruction.b_offset_imm0 | instruction.b_use_sp_imm1 << 32,
            SRC_IND => {
                let offset = self.at(instruction.b_offset_imm0, instruction.b_use_sp_imm1 != 0);
                self.load(self.state.a.wrapping_add(offset), instruction.ind_width)
            }
            source => panic!("the second operand comes from source {source}, which this engine does not know"),
        }
    }

    fn store(&mut self, instruction: &ZiskInst) {
        let value = if instruction.store_pc {
            self.state.pc.wrapping_add_signed(instruction.jmp_offset2)
        } else {
            self.state.c
        };
        let offset = self.at(instruction.store_offset.cast_unsigned(), instruction.store_use_sp);
        match instruction.store {
            STORE_REG => self.state.regs[instruction.store_offset as usize] = value,
            STORE_MEM => self.write(offset, value, 8),
            STORE_IND => self.write(self.state.a.wrapping_add(offset), value, instruction.ind_width),
            _ => {}
        }
    }

    /// An offset, relative to ZisK's own stack pointer if the instruction says so.
    fn at(&self, offset: u64, use_sp: bool) -> u64 {
        if use_sp { offset.wrapping_add(self.state.sp) } else { offset }
    }

    fn load(&mut self, address: u64, width: u64) -> u64 {
        self.access = Some(Access { what: "load", width, address });
        let value = self.state.mem.read(address, width);
        self.access = None;
        value
    }

    fn write(&mut self, address: u64, value: u64, width: u64) {
        self.access = Some(Access { what: "store", width, address });
        // ZisK's own `write` prints a console byte as the character of that number, so that UTF-8 would come out wrong.
        self.state.mem.write_silent(address, value, width);
        if address == UART_ADDR && width == 1 {
            self.console.write(1, &[value as u8]);
        }
        self.access = None;
    }

    /// How a run ended that `run` came back from.
    fn ending(&self, max_steps: u64) -> Ending {
        let state = &self.state;
        match state.error_code {
            _ if !state.end => Ending::CycleLimit(max_steps),
            _ if !state.error => Ending::Exit(0),
            0 => Ending::Stopped(format!(
                "an instruction that ZisK does not execute, at pc {:#x} (undefined, compressed, `ebreak` or `unimp`)",
                state.error_pc
            )),
            // The program called its run a failure: its status may not look like a success.
            code => Ending::Exit((code as u8).max(1)),
        }
    }

    /// What went wrong when a crate of ZisK's panicked.
    fn fault(&self, panic: &str) -> String {
        let pc = self.state.pc;
        match self.access {
            Some(Access { what, width, address }) => {
                format!("a {what} of {width} bytes at {address:#x}, where ZisK has no memory for it, at pc {pc:#x}")
            }
            None => format!("{panic}, at pc {pc:#x}"),
        }
    }

    fn public_output(&self) -> Result<Vec<u8>, String> {
        let length = self.state.mem.read(PUBLIC_OUTPUT_LENGTH_ADDR, 8);
        if length > PUBLIC_OUTPUT_MAX {
            return Err(format!(
                "it left a public output of {length} bytes; ZisK publishes {PUBLIC_OUTPUT_MAX} (make a digest public instead)"
            ));
        }
        Ok((0..length).map(|offset| self.state.mem.read(OUTPUT_ADDR + offset, 1) as u8).collect())
    }
}
