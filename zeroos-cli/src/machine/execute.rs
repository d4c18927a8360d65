//! Running: from window to window of decoded code, taking traps and keeping the account between them.

mod bus;
mod instructions;
mod watch;

use super::console::Console;
use super::csr::Counters;
use super::device::DeviceEffect;
use super::failure::{Failure, HostFailure};
use super::page_rights::Right;
use super::supervisor::Supervisor;
use super::trap::{
    ENVIRONMENT_CALL_FROM_M, Exception, ILLEGAL_INSTRUCTION, INSTRUCTION_ACCESS_FAULT, INSTRUCTION_ADDRESS_MISALIGNED,
    INSTRUCTION_PAGE_FAULT, STORE_ACCESS_FAULT, Trap,
};
use super::{CallPoint, Ending, Machine, Observer, StubAddress, TrapTaken};
use crate::address::Address;
use crate::platform::Misaligned;
use bus::Bus;
use watch::{Alignment, Pages, Priced, Profiled, Unwatched};

/// Why the instructions of a window are not simply followed by the next.
pub(super) enum Exit {
    /// The next instruction lies outside the window.
    LeftWindow,
    /// Nothing is decoded at the next instruction.
    Undecoded,
    /// As many instructions as allowed were executed.
    BudgetSpent,
    /// `fence.i`: decoded code may be stale.
    CodeChanged,
    /// The instruction raised an exception.
    Raised(Exception),
    /// The instruction is illegal in the hart's present state.
    Illegal,
    /// A device stopped the machine.
    Stopped(u32),
    /// A load or store of this address, on a machine that does it only where it is aligned.
    Misaligned(Address),
    /// The host cannot do what a load or store asked for.
    Refused(HostFailure),
}

impl Machine {
    /// Runs until the guest stops the machine, the instruction limit is reached or nothing but traps would follow.
    /// After an [`InstructionLimit`](Ending::InstructionLimit) the machine stands at the next instruction.
    pub fn run(&mut self, console: &mut dyn Console, observer: &mut dyn Observer) -> Ending {
        let mut was_in_program = false;
        loop {
            let pc = self.hart.pc;
            if self.stops_at_contact && self.devices.contacted {
                return Ending::Contact;
            }
            if let Some(value) = self.fetch_is_protected(pc, 2) {
                match self.trap(Exception { cause: INSTRUCTION_PAGE_FAULT, value }, false, observer) {
                    Some(ending) => return ending,
                    None => continue,
                }
            }
            let Some(window) = self.code.find(pc) else {
                match self.fetch_failed(pc, observer) {
                    Some(ending) => return ending,
                    None => continue,
                }
            };
            let in_program = self.code.window(window).in_program;
            if in_program && let Some(site) = self.accounting.program_entered() {
                observer.syscall_left(&self.hart.registers(), pc == site.wrapping_add(4));
            }
            if was_in_program && !in_program {
                self.enter_stub(pc, observer);
            }
            if self.profile.is_some() {
                self.profile_side(in_program);
            }
            let (exit, executed) = self.run_window(window, console);
            self.accounting.add(in_program, executed);
            was_in_program = in_program && matches!(exit, Exit::LeftWindow);
            let ending = match exit {
                Exit::LeftWindow => None,
                Exit::Undecoded => self.decode_or_trap(window, console, observer),
                Exit::BudgetSpent => Some(Ending::InstructionLimit),
                Exit::CodeChanged => {
                    self.code.flush();
                    None
                }
                Exit::Raised(Exception { cause: ENVIRONMENT_CALL_FROM_M, .. }) if self.host_takes_calls() => {
                    self.call_host(in_program, console)
                }
                Exit::Raised(exception) => self.raise(exception, in_program, observer),
                Exit::Illegal => self.raise(self.illegal_instruction(), in_program, observer),
                Exit::Stopped(status) => Some(Ending::Exited { status }),
                Exit::Misaligned(address) => {
                    Some(Ending::Failed(Failure::Misaligned { pc: Address(self.hart.pc), address }))
                }
                Exit::Refused(failure) => Some(self.refused(failure)),
            };
            if let Some(ending) = ending {
                return if self.stops_at_contact && self.devices.contacted { Ending::Contact } else { ending };
            }
        }
    }

    /// Tells the profile who executes what comes next.
    #[cold]
    fn profile_side(&mut self, in_program: bool) {
        let thread = match self.thread_word {
            None => self.kept_csrs().scratch,
            Some(word) => {
                let mut bytes = [0; 8];
                if self.memory.read_slice(word.0, &mut bytes) { u64::from_le_bytes(bytes) } else { 0 }
            }
        };
        let (pc, call) = (self.hart.pc, self.accounting.call());
        match &mut self.profile {
            Some(profile) if profile.is_in_program() == in_program => {}
            Some(profile) if in_program => profile.enter_program(thread, pc),
            Some(profile) => {
                let next = call.map_or(pc, |(_, site)| site.wrapping_add(4));
                profile.enter_kernel(call.map(|(number, _)| number), next);
            }
            None => {}
        }
    }

    /// Program code went on at `pc`, outside the program: it made a call if a stub lies there.
    fn enter_stub(&mut self, pc: u64, observer: &mut dyn Observer) {
        let Ok(index) = self.stubs.binary_search_by_key(&pc, |stub| stub.stub.0) else { return };
        let StubAddress { site, number, .. } = self.stubs[index];
        self.start_call(number.unwrap_or_else(|| self.hart.x(17)), site, observer);
    }

    fn start_call(&mut self, number: u64, site: Address, observer: &mut dyn Observer) {
        self.last_call = Some(CallPoint { site, number, executed: self.accounting.executed().saturating_sub(1) });
        self.accounting.call_started(number, site.0);
        observer.syscall_entered(site, number, &self.hart.registers());
    }

    fn run_window(&mut self, window: usize, console: &mut dyn Console) -> (Exit, u64) {
        let before = Counters { executed: self.accounting.executed(), retired: self.accounting.retired() };
        let budget = self.max_instructions.saturating_sub(before.executed);
        let (hart, code) = (&mut self.hart, self.code.window(window));
        let (memory, devices) = (&mut self.memory, &mut self.devices);
        let watched = devices.watched_word();
        // The inner loop once for each kind of watch.
        macro_rules! run {
            ($watch:expr) => {{
                let mut watch = $watch;
                if let Some(profile) = &mut self.profile {
                    let watch = Profiled { watch: &mut watch, profile, start: code.start, slots: &code.slots };
                    let mut bus = Bus { memory, devices, console, watched, watch };
                    instructions::run(hart, code, &mut bus, budget, before)
                } else {
                    let mut bus = Bus { memory, devices, console, watched, watch };
                    instructions::run(hart, code, &mut bus, budget, before)
                }
            }};
        }
        match self.misaligned {
            _ if hart.csrs.supervisor.as_ref().is_some_and(Supervisor::translates) => {
                run!(Pages { rights: &mut self.page_rights })
            }
            misaligned if !code.prices.is_empty() => {
                let (mut cycles, accounting) = (0, &mut self.accounting);
                let alignment = Alignment { misaligned, count: &mut accounting.misaligned };
                let paid = &mut accounting.paid;
                let ended = run!(Priced { alignment, prices: &code.prices, cycles: &mut cycles, paid });
                accounting.add_cycles(code.in_program, cycles);
                ended
            }
            Misaligned::Works => run!(Unwatched),
            misaligned => run!(Alignment { misaligned, count: &mut self.accounting.misaligned }),
        }
    }

    /// The first of the `size` bytes at `pc` that a page table does not let be executed.
    #[inline(always)]
    fn fetch_is_protected(&mut self, pc: u64, size: usize) -> Option<u64> {
        let supervisor = self.hart.csrs.supervisor.as_ref()?;
        if !supervisor.translates() {
            return None;
        }
        self.page_rights.use_table(supervisor.satp());
        self.page_rights.check(&self.memory, pc, size, Right::Execute).err()
    }

    fn host_takes_calls(&mut self) -> bool {
        self.devices.host().is_some_and(|host| host.takes_calls())
    }

    /// The `ecall` at the pc, which has been counted, goes to the host.
    fn call_host(&mut self, in_program: bool, console: &mut dyn Console) -> Option<Ending> {
        let pc = self.hart.pc;
        if in_program {
            return Some(Ending::Failed(Failure::ProgramCall { pc: Address(pc), number: self.hart.x(17) }));
        }
        self.devices.contacted = true;
        let host = self.devices.host()?;
        let effect = host.call(pc, &mut self.hart.x, &mut self.memory, console);
        self.served(effect)
    }

    /// The host served the instruction at the pc, which is 4 bytes long.
    fn served(&mut self, effect: Result<DeviceEffect, HostFailure>) -> Option<Ending> {
        match effect {
            Ok(DeviceEffect::None) => {
                self.hart.pc = self.hart.pc.wrapping_add(4);
                None
            }
            Ok(DeviceEffect::Exit(status)) => Some(Ending::Exited { status }),
            Err(failure) => Some(self.refused(failure)),
        }
    }

    fn refused(&self, failure: HostFailure) -> Ending {
        Ending::Failed(Failure::Host { pc: Address(self.hart.pc), failure })
    }

    /// The slot at the pc is empty: decode what is there, or trap.
    fn decode_or_trap(
        &mut self,
        window: usize,
        console: &mut dyn Console,
        observer: &mut dyn Observer,
    ) -> Option<Ending> {
        let pc = self.hart.pc;
        let mut half = [0; 2];
        let readable = self.memory.read_slice(pc, &mut half);
        let size = if u16::from_le_bytes(half) & 3 == 3 { 4 } else { 2 };
        if let Some(value) = self.fetch_is_protected(pc, size) {
            return self.trap(Exception { cause: INSTRUCTION_PAGE_FAULT, value }, false, observer);
        }
        if self.code.decode_at(window, pc, &self.memory) {
            return None;
        }
        // Of a jump between instructions only the target is known here, so `mepc` is not the jump's address but that.
        if !pc.is_multiple_of(self.code.rules().alignment()) {
            return self.trap(Exception { cause: INSTRUCTION_ADDRESS_MISALIGNED, value: pc }, false, observer);
        }
        if !readable || !self.code.covers(pc, size as u64) {
            return self.fetch_failed(pc, observer);
        }
        if self.accounting.executed() >= self.max_instructions {
            return Some(Ending::InstructionLimit);
        }
        let in_program = self.code.window(window).in_program;
        self.accounting.add(in_program, 1);
        self.profile.iter_mut().for_each(|profile| profile.count());
        let illegal = self.illegal_instruction();
        if self.hart.execute_privileged(illegal.value as u32) {
            // It may have been `sfence.vma`.
            self.page_rights.forget();
            return None;
        }
        if let Some(host) = self.devices.host()
            && let Some(effect) = host.instruction(illegal.value as u32, &mut self.hart.x, &mut self.memory, console)
        {
            self.devices.contacted = true;
            return self.served(effect);
        }
        self.raise(illegal, in_program, observer)
    }

    /// The instruction at `pc` is not all in memory where code runs: `mtval` is the first halfword that is not (privileged
    /// ISA manual, "mtval"). No instruction began, so none is counted.
    fn fetch_failed(&mut self, pc: u64, observer: &mut dyn Observer) -> Option<Ending> {
        let value = if self.code.covers(pc, 2) { pc.wrapping_add(2) } else { pc };
        self.trap(Exception { cause: INSTRUCTION_ACCESS_FAULT, value }, false, observer)
    }

    /// The instruction at the pc, which has been counted, raised an exception.
    fn raise(&mut self, exception: Exception, in_program: bool, observer: &mut dyn Observer) -> Option<Ending> {
        self.accounting.trapped += 1;
        self.trap(exception, in_program, observer)
    }

    /// Takes the trap; ends the run if there is no handler, or nothing retired since the last one.
    fn trap(&mut self, exception: Exception, in_program: bool, observer: &mut dyn Observer) -> Option<Ending> {
        let supervisor = self.hart.csrs.supervisor.as_ref();
        let cause = supervisor.map_or(exception.cause, |mode| mode.cause(exception.cause));
        let trap = Trap { pc: Address(self.hart.pc), cause, value: exception.value };
        if !self.code.rules().has_trap_handler() {
            let protected = matches!(trap.cause, INSTRUCTION_ACCESS_FAULT | STORE_ACCESS_FAULT)
                && self.memory.covers(trap.value, 1);
            return Some(Ending::Failed(Failure::Unhandled { trap, protected }));
        }
        let retired = self.accounting.retired();
        if let Some(last) = self.last_trap.filter(|last| last.retired == retired) {
            return Some(Ending::TrapLoop { first: last.trap, second: trap });
        }
        self.last_trap = Some(TrapTaken { trap, retired });
        if in_program && exception.cause == ENVIRONMENT_CALL_FROM_M {
            self.start_call(self.hart.x(17), trap.pc, observer);
        }
        self.hart.take_trap(trap);
        None
    }

    /// The exception of an illegal instruction at the pc: `mtval` holds its bits.
    fn illegal_instruction(&self) -> Exception {
        let mut bytes = [0; 4];
        if self.memory.read_slice(self.hart.pc, &mut bytes[..2]) && bytes[0] & 3 == 3 {
            self.memory.read_slice(self.hart.pc, &mut bytes);
        }
        Exception { cause: ILLEGAL_INSTRUCTION, value: u64::from(u32::from_le_bytes(bytes)) }
    }
}
