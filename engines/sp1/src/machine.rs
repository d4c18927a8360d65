//! A run on SP1's portable executor. It works on a thread of its own and stops before every instruction until this engine took
//! its state: that makes the console exact, the cycle limit exact, and finds what could not be proved (`watch`).

use crate::load;
use crate::watch::{Seen, Watch, instruction};
use sha2::{Digest, Sha256};
use sp1_core_executor::{
    DEFAULT_MEMORY_LIMIT, ExecutionError, MinimalExecutor, OutputConsumers, Program, SupervisorMode, UnsafeMemory,
    with_output_consumers,
};
use sp1_jit::debug::{DebugState, State};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::{self, ScopedJoinHandle};
use tokio::sync::watch as channel;
use zeroos_engine_driver::{Console, Ending, Engine, Finished, Refusal, Run, catching};

/// The version of the crates, as `Cargo.toml` pins them.
pub const VERSION: &str = "6.10.0";

/// SP1.
pub struct Sp1;

impl Engine for Sp1 {
    const NAME: &'static str = "zeroos-engine-sp1";
    const VERSION: &'static str = VERSION;

    fn run(&self, run: &Run, console: &Console) -> Result<Finished, Refusal> {
        execute(&load::program(&run.image)?, &run.input, run.max_cycles, console)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// If the executor cannot be watched.
pub fn execute(
    program: &Arc<Program>,
    input: &[u8],
    max_cycles: Option<u64>,
    console: &Console,
) -> Result<Finished, Refusal> {
    let mut executor =
        MinimalExecutor::<SupervisorMode>::new_with_limit(program.clone(), false, None, Some(DEFAULT_MEMORY_LIMIT));
    executor.with_input(input);
    let states = executor.new_debug_receiver().ok_or_else(|| {
        Refusal::new("SP1's executor gives no view of its states: this engine is for another version of it")
    })?;
    let mut observer = Observer {
        watch: Watch::new(program.clone()),
        memory: executor.unsafe_memory(),
        max_cycles: max_cycles.unwrap_or(u64::MAX),
        console,
        last: None,
    };

    // The executor outlives both sides: `Observer::text` relies on that.
    let (end, result) = thread::scope(|scope| {
        let running = scope.spawn(|| silenced(|| catching(|| executor.try_execute_chunk().map(|_| ()))));
        let end = observer.observe(states, &running);
        (end, running.join())
    });
    let result = result.map_err(|_| Refusal::new("the thread of SP1's executor died"))?;

    let last = observer.last;
    let stopped = |reason| Finished {
        ending: Ending::Stopped(reason),
        cycles: last.map_or(0, |state| state.global_clk),
        public_output: executor.public_values_stream().clone(),
    };
    Ok(match (end, result) {
        (Some(ending), _) => Finished { ending, ..stopped(String::new()) },
        (None, Err(panic)) => stopped(describe(&panic, program, last)),
        (None, Ok(Err(error))) => stopped(format!("{}{}", memory_error(&error), at(last))),
        (None, Ok(Ok(()))) => {
            let public_output = executor.public_values_stream().clone();
            let ending = match executor.exit_code() {
                0 => success(&public_output, executor.public_value_digest(), observer.watch.commits_deferred),
                // A failure whose low 8 bits are 0 may not look like a success.
                code => Ending::Exit((code as u8).max(1)),
            };
            Finished { ending, cycles: executor.global_clk(), public_output }
        }
    })
}

/// The side that takes the states.
struct Observer<'a> {
    watch: Watch,
    memory: UnsafeMemory,
    max_cycles: u64,
    console: &'a Console,
    last: Option<State>,
}

impl Observer<'_> {
    /// Takes states until the executor has no more, or the run has to end for a reason that the executor does not see; dropping
    /// the receiver ends it then.
    fn observe<T>(&mut self, states: Receiver<Option<State>>, running: &ScopedJoinHandle<'_, T>) -> Option<Ending> {
        loop {
            // To block would cost ten times as much as a state: the executor is never far behind.
            let state = match states.try_recv() {
                Ok(Some(state)) => state,
                Ok(None) | Err(TryRecvError::Disconnected) => return None,
                // The sender stays with the executor, so that the end of the thread is the only sign of the end.
                Err(TryRecvError::Empty) if running.is_finished() => return None,
                Err(TryRecvError::Empty) => {
                    std::hint::spin_loop();
                    continue;
                }
            };
            self.last = Some(state);
            if state.global_clk >= self.max_cycles {
                return Some(Ending::CycleLimit(self.max_cycles));
            }
            match self.watch.see(&state) {
                Seen::Nothing => {}
                Seen::Console { fd, address, length } => self.console.write(fd, &self.text(address, length)),
                Seen::Unprovable(reason) => return Some(Ending::Stopped(reason)),
            }
        }
    }

    /// The text of the console write that is being executed.
    fn text(&self, address: u64, length: u64) -> Vec<u8> {
        let byte = |offset| {
            let address: u64 = address.wrapping_add(offset);
            // SAFETY: the memory lives as long as its executor, which outlives the scope that this runs in. The executor is
            // executing this very WRITE, which changes no memory, and cannot begin the next instruction before its state is
            // taken, which happens after this.
            let word = unsafe { self.memory.get(address & !7) }.value;
            word.to_le_bytes()[(address & 7) as usize]
        };
        // What lies outside of memory stops the executor, too.
        if address.checked_add(length).is_none_or(|end| end >= 1 << sp1_primitives::consts::MAX_JIT_LOG_ADDR) {
            return Vec::new();
        }
        (0..length).map(byte).collect()
    }
}

/// Runs `body` with the executor's own printing of console lines going nowhere.
fn silenced<T>(body: impl FnOnce() -> T) -> T {
    let (stdout, _keep) = channel::channel(String::new());
    let (stderr, _keep_too) = channel::channel(String::new());
    with_output_consumers(&OutputConsumers { stdout: Some(stdout), stderr: Some(stderr) }, body)
}

/// A run that ended with 0 is one only if a verifier will find it to be one.
fn success(public_output: &[u8], committed: [u32; 8], commits_deferred: bool) -> Ending {
    let digest = Sha256::digest(public_output);
    if committed.map(u32::to_le_bytes).as_flattened() != &digest[..] {
        let length = public_output.len();
        return Ending::Stopped(format!(
            "it ended with status 0, but what it COMMITted is not the SHA-256 of its public output ({length} bytes): no proof of \
             this run would verify"
        ));
    }
    if !commits_deferred {
        return Ending::Stopped(
            "it ended with status 0 without COMMIT_DEFERRED: no proof of this run would verify".to_string(),
        );
    }
    Ending::Exit(0)
}

fn at(last: Option<State>) -> String {
    last.map_or(String::new(), |state| format!(", at pc {:#x}", state.pc))
}

fn memory_error(error: &ExecutionError) -> String {
    match error {
        ExecutionError::InvalidMemoryAccess(opcode, address) => {
            format!("an access ({opcode}) to {address:#x}, beyond SP1's last address 0xffffffffff")
        }
        ExecutionError::TooMuchMemory() => format!("more than {DEFAULT_MEMORY_LIMIT} bytes of memory in use"),
        error => error.to_string(),
    }
}

/// What went wrong when the executor panicked.
fn describe(panic: &str, program: &Program, last: Option<State>) -> String {
    let Some(state) = last else { return panic.to_string() };
    let pc = state.pc;
    match instruction(program, pc) {
        // Its state was taken, so it is the one that the executor did not survive, unless that is the next one.
        Some(instruction) if instruction.is_unimp_instruction() || instruction.is_ebreak_instruction() => {
            format!("an instruction that SP1 does not execute, at pc {pc:#x} (`fence`, `ebreak`, `unimp`, or of a CSR)")
        }
        _ if panic.contains("`Option::unwrap()` on a `None`") => {
            format!("a jump from pc {pc:#x} to where there is no instruction")
        }
        _ => format!("{panic}, at pc {pc:#x}"),
    }
}
