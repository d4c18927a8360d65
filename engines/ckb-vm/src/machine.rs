//! The machine: the newest version that the crate has, all of its instruction sets, 4 MiB, W^X, the chain's cycle costs.

use crate::host::Host;
use ckb_vm::cost_model::estimate_cycles;
use ckb_vm::machine::VERSION2;
use ckb_vm::{
    Bytes, CoreMachine, DefaultCoreMachine, DefaultMachineBuilder, DefaultMachineRunner, Error, FlatMemory, ISA_A,
    ISA_B, ISA_IMC, ISA_MOP, RISCV_MAX_MEMORY, SupportMachine, TraceMachine, WXorXMemory,
};
use std::sync::PoisonError;
use zeroos_engine_driver::{Console, Ending, Engine, Finished, Refusal, Run, catching};

/// The version of the crate, as `Cargo.toml` pins it.
pub const VERSION: &str = "0.24.15";

/// The interpreter without assembly: the same results and cycles as the chain's, on every host.
type Machine = TraceMachine<DefaultCoreMachine<u64, WXorXMemory<FlatMemory<u64>>>>;

/// CKB-VM.
pub struct CkbVm;

impl Engine for CkbVm {
    const NAME: &'static str = "zeroos-engine-ckb-vm";
    const VERSION: &'static str = VERSION;

    fn run(&self, run: &Run, console: &Console) -> Result<Finished, Refusal> {
        let max_cycles = run.max_cycles.unwrap_or(u64::MAX);
        let (host, public_output) = Host::new(run.input.clone(), console.clone());
        let core = DefaultCoreMachine::new_with_memory(
            ISA_IMC | ISA_A | ISA_B | ISA_MOP,
            VERSION2,
            max_cycles,
            RISCV_MAX_MEMORY,
        );
        let machine = DefaultMachineBuilder::new(core)
            .instruction_cycle_func(Box::new(estimate_cycles))
            .syscall(Box::new(host))
            .build();
        let mut machine = Machine::new(machine);

        let image = Bytes::copy_from_slice(&run.image);
        // Without arguments nothing is written to the stack.
        match catching(|| machine.load_program(&image, std::iter::empty())) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(refusal(&error)),
            Err(panic) => return Err(Refusal::new(format!("CKB-VM does not load the image: {panic}"))),
        }
        let result = catching(|| machine.run());

        let state = machine.machine();
        let ending = match result {
            Ok(Ok(code)) => Ending::Exit(code.cast_unsigned()),
            Ok(Err(Error::CyclesExceeded)) => Ending::CycleLimit(max_cycles),
            Ok(Err(error)) => Ending::Stopped(stop(&error, *state.pc())),
            Err(panic) => Ending::Stopped(format!("{panic} (pc {:#x})", state.pc())),
        };
        let public_output = public_output.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Finished { ending, cycles: state.cycles(), public_output })
    }
}

/// Why the loader refused, with what helps.
fn refusal(error: &Error) -> Refusal {
    let help = match error {
        Error::MemWriteOnFreezedPage => {
            "; a segment shares a page with a read-only one: give each segment pages of its own"
        }
        Error::MemOutOfBound => "; all segments must lie in the 4 MiB from 0 to 0x400000",
        Error::ElfSegmentWritableAndExecutable => {
            "; split the segment into one that is executable and one that is writable"
        }
        Error::ElfSegmentUnreadable => "; every segment must be readable, the executable ones too",
        Error::ElfBits => "; it must be a 64-bit little-endian ELF file",
        Error::ElfParseError(_) => "; is it an image that `zeroos build --platform ckb-vm` wrote?",
        _ => "",
    };
    Refusal::new(format!("CKB-VM does not load the image: {error}{help}"))
}

/// Why the machine stopped.
fn stop(error: &Error, pc: u64) -> String {
    match error {
        // Says where itself.
        Error::InvalidInstruction { .. } => error.to_string(),
        Error::InvalidEcall(number) => {
            format!("host call {number} at pc {pc:#x}, which neither CKB-VM nor this engine has")
        }
        Error::MemOutOfBound => format!("an access beyond the 4 MiB of memory, at pc {pc:#x}"),
        Error::MemWriteOnExecutablePage => {
            format!("a store to an executable page, or a jump to one that is not, at pc {pc:#x}")
        }
        _ => format!("{error}, at pc {pc:#x}"),
    }
}
