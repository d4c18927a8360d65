//! The built-in machine: one RV64GC hart with Zba, Zbb, Zbs, Zicsr and Zifencei in machine mode, or with as much of that as
//! the machine it stands for has; supervisor mode for images that need it; RAM at any address; and the devices and hosts that the supported platforms print and stop
//! with.
//!
//! It is the reference for counting: the same image with the same input executes the same instructions, whatever the
//! host does. There is no host time, no randomness, no interrupt. Guest behaviour never panics and never allocates
//! beyond the configured RAM and one decoded page for each page of code that runs.

mod atomic;
mod code;
mod config;
mod console;
mod counts;
mod csr;
mod device;
mod execute;
mod failure;
mod float;
mod fusion;
mod hart;
mod host;
mod instruction_rules;
mod memory;
mod page_rights;
mod profile;
mod protection;
mod supervisor;
mod trap;

pub use config::{ConfigError, HtifAddresses, MachineConfig, StubAddress};
pub use console::{CapturedConsole, Console, HostConsole, Stream, Streams};
pub use counts::{Cycles, InstructionCounts, SyscallCost};
pub use failure::{Failure, HostFailure};
pub use profile::{Frame, Stack};
pub use protection::Protection;
pub use trap::Trap;

use crate::address::Address;
use crate::platform::Misaligned;
use code::CodeCache;
use counts::Accounting;
use device::Devices;
use hart::Hart;
use instruction_rules::InstructionRules;
use memory::Memory;
use page_rights::PageRights;
use profile::Profile;
use supervisor::Supervisor;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The guest stopped the machine through a device.
    Exited {
        /// The status it gave.
        status: u32,
    },
    /// [`MachineConfig::max_instructions`] were executed.
    InstructionLimit,
    /// A trap was taken before the trap handler could retire one instruction: it would repeat for ever.
    TrapLoop {
        /// The trap that had been taken before: what really went wrong.
        first: Trap,
        /// The trap in its handler.
        second: Trap,
    },
    /// [`MachineConfig::stops_at_contact`]: a device or the host was asked for something.
    Contact,
    /// The machine cannot go on.
    Failed(Failure),
}

/// See [`Machine::kept_csrs`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptCsrs {
    /// mscratch, or sscratch: the running thread.
    pub scratch: u64,
    /// Rounding mode and accrued exceptions.
    pub fcsr: u64,
    /// `mstatus.FS`, in its place.
    pub float_status: u64,
}

/// A call that program code made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallPoint {
    /// The `ecall`, or the jump in its place.
    pub site: Address,
    /// The call's number.
    pub number: u64,
    /// Instructions that were executed before the one at the site.
    pub executed: u64,
}

/// What `--trace` listens to. Every method does nothing unless implemented; `()` is the observer that ignores all.
pub trait Observer {
    /// Program code executed an `ecall` that trapped, or jumped to the stub that stands for the one at `pc`.
    /// `x` are the integer registers as the program left them.
    fn syscall_entered(&mut self, pc: Address, number: u64, x: &[u64; 32]) {
        let _ = (pc, number, x);
    }

    /// Program code runs again after [`syscall_entered`](Observer::syscall_entered), with the integer registers `x`: a0 is
    /// the result if `resumed_behind_site`, otherwise control went elsewhere (another thread, a signal handler).
    fn syscall_left(&mut self, x: &[u64; 32], resumed_behind_site: bool) {
        let _ = (x, resumed_behind_site);
    }
}

impl Observer for () {}

/// The machine with everything in it.
pub struct Machine {
    hart: Hart,
    memory: Memory,
    code: CodeCache,
    devices: Devices,
    page_rights: PageRights,
    accounting: Accounting,
    profile: Option<Box<Profile>>,
    /// Where the kernel keeps the running thread, if not in a CSR.
    thread_word: Option<Address>,
    /// Ascending.
    stubs: Vec<StubAddress>,
    misaligned: Misaligned,
    max_instructions: u64,
    stops_at_contact: bool,
    last_call: Option<CallPoint>,
    last_trap: Option<TrapTaken>,
}

/// A trap and how many instructions had retired when it was taken.
#[derive(Clone, Copy)]
struct TrapTaken {
    trap: Trap,
    retired: u64,
}

impl Machine {
    /// A machine with zeroed RAM, about to execute at the configured entry.
    pub fn new(config: &MachineConfig) -> Result<Machine, ConfigError> {
        config.check()?;
        let mut stubs = config.stubs.clone();
        stubs.sort();
        let rules = InstructionRules::new(config.isa.clone(), config.csrs.clone(), config.host);
        let pieces = protection::pieces(&config.ram, &config.protections);
        let executable = pieces.iter().filter(|piece| piece.executes).map(|piece| piece.range);
        let supervisor = config.supervisor.then(Supervisor::default);
        Ok(Machine {
            hart: Hart::new(config.entry, rules.misa(), supervisor),
            memory: Memory::new(&pieces)?,
            code: CodeCache::new(executable, &config.program, rules, config.costs),
            devices: Devices::new(config),
            page_rights: PageRights::new(),
            accounting: Accounting::default(),
            profile: None,
            thread_word: None,
            stubs,
            misaligned: config.misaligned,
            max_instructions: config.max_instructions.unwrap_or(u64::MAX),
            stops_at_contact: config.stops_at_contact,
            last_call: None,
            last_trap: None,
        })
    }

    /// Copies `bytes` into RAM at `address`, as a loader does; false, and nothing is copied, unless all of it is RAM.
    #[must_use]
    pub fn load(&mut self, address: Address, bytes: &[u8]) -> bool {
        self.code.flush();
        self.memory.load(address.0, bytes)
    }

    /// Copies RAM at `address` into `buffer`; false, and nothing is copied, unless all of it is RAM.
    #[must_use]
    pub fn read_memory(&self, address: Address, buffer: &mut [u8]) -> bool {
        self.memory.read_slice(address.0, buffer)
    }

    /// What has been executed so far.
    pub fn counts(&self) -> InstructionCounts {
        let cycles = self.code.has_prices().then(|| self.accounting.cycles());
        InstructionCounts { cycles, ..self.accounting.counts() }
    }

    /// From now on notes who executes what. Functions start at `starts`, as far as is known before; `thread_word` is where the kernel
    /// keeps the running thread, if not in mscratch or sscratch.
    pub fn record_profile(&mut self, starts: impl IntoIterator<Item = Address>, thread_word: Option<Address>) {
        self.profile = Some(Box::new(Profile::new(starts)));
        self.thread_word = thread_word;
    }

    /// What was noted since [`record_profile`](Machine::record_profile): every context with the instructions executed in just that,
    /// in no order.
    pub fn profile(&self) -> Vec<Stack> {
        self.profile.as_ref().map(|profile| profile.stacks()).unwrap_or_default()
    }

    /// The call that was made last, if one was.
    pub fn last_call(&self) -> Option<CallPoint> {
        self.last_call
    }

    /// Every page of RAM that can be written and is not zero, ascending, with its contents; only a part of it where RAM begins
    /// or ends inside.
    pub fn written_pages(&self) -> Vec<(Address, &[u8])> {
        self.memory.written_pages()
    }

    /// The CSRs that a program or its kernel relies on from one call to the next.
    pub fn kept_csrs(&self) -> KeptCsrs {
        let csrs = &self.hart.csrs;
        KeptCsrs {
            scratch: csrs.supervisor.as_ref().map_or(csrs.mscratch, |supervisor| supervisor.sscratch),
            fcsr: u64::from(csrs.frm) << 5 | u64::from(csrs.fflags),
            float_status: u64::from(csrs.float_status) << csr::STATUS_FS_SHIFT,
        }
    }

    /// Address of the next instruction.
    pub fn pc(&self) -> Address {
        Address(self.hart.pc)
    }

    /// Moves execution to `pc` (bit 0 is dropped).
    pub fn set_pc(&mut self, pc: Address) {
        self.hart.pc = pc.0 & !1;
    }

    /// Integer register `number & 31`.
    pub fn x(&self, number: u8) -> u64 {
        self.hart.x[usize::from(number & 31)]
    }

    /// Sets integer register `number & 31`; x0 stays 0.
    pub fn set_x(&mut self, number: u8, value: u64) {
        if number & 31 != 0 {
            self.hart.x[usize::from(number & 31)] = value;
        }
    }

    /// The bits of floating-point register `number & 31`.
    pub fn f(&self, number: u8) -> u64 {
        self.hart.f[usize::from(number & 31)]
    }

    /// Sets the bits of floating-point register `number & 31`.
    pub fn set_f(&mut self, number: u8, bits: u64) {
        self.hart.f[usize::from(number & 31)] = bits;
    }
}
