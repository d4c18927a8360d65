//! Exact instruction counts: who executed how many, and what each syscall cost in the kernel.
//!
//! Every instruction that begins execution counts as one, also when it traps: an `ecall` is an instruction of the
//! program. (A fetch that faults is no instruction.) `minstret`, which the guest sees, leaves trapping ones out, as
//! the privileged ISA manual says.

use std::collections::BTreeMap;

/// Totals of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InstructionCounts {
    /// All executed instructions: `program + kernel`.
    pub total: u64,
    /// From the image's entry to the program's first instruction; part of `kernel`.
    pub boot: u64,
    /// Inside the program's own segments.
    pub program: u64,
    /// Everywhere else.
    pub kernel: u64,
    /// Misaligned loads and stores, on a machine that counts them.
    pub misaligned: u64,
    /// What they cost, on a machine that says so.
    pub cycles: Option<Cycles>,
    /// What each syscall cost, by number.
    pub syscalls: BTreeMap<u64, SyscallCost>,
}

/// Cycles of a run, as [`InstructionCounts`] divides them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cycles {
    /// All: `program + kernel`.
    pub total: u64,
    /// Up to the program's first instruction; part of `kernel`.
    pub boot: u64,
    /// Of the program's own instructions.
    pub program: u64,
    /// Of all others.
    pub kernel: u64,
}

/// Kernel instructions spent on the calls of one number: from the trap to the program's next instruction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SyscallCost {
    /// How often each cost occurred: bounded by the number of distinct costs, not of calls.
    occurrences: BTreeMap<u64, u64>,
}

impl SyscallCost {
    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.occurrences.values().sum()
    }

    /// The cheapest call.
    pub fn min(&self) -> u64 {
        self.occurrences.keys().next().copied().unwrap_or(0)
    }

    /// The dearest call.
    pub fn max(&self) -> u64 {
        self.occurrences.keys().next_back().copied().unwrap_or(0)
    }

    /// The cost in the middle; of two in the middle, the lower.
    pub fn median(&self) -> u64 {
        let middle = self.calls().div_ceil(2);
        let mut passed = 0;
        for (&cost, &times) in &self.occurrences {
            passed += times;
            if passed >= middle {
                return cost;
            }
        }
        0
    }

    /// All calls together.
    pub fn total(&self) -> u64 {
        self.occurrences.iter().map(|(cost, times)| cost * times).sum()
    }

    fn add(&mut self, cost: u64) {
        *self.occurrences.entry(cost).or_default() += 1;
    }
}

/// The running account.
#[derive(Default)]
pub(super) struct Accounting {
    program: u64,
    kernel: u64,
    /// Kernel instructions at the program's first instruction.
    boot: Option<u64>,
    /// Instructions that trapped.
    pub(super) trapped: u64,
    /// Misaligned loads and stores.
    pub(super) misaligned: u64,
    /// Cycles, if they are counted.
    pub(super) cycles: Cycles,
    /// Instructions that come next and are paid for already.
    pub(super) paid: u8,
    /// The call that the kernel is working on.
    call: Option<Call>,
    syscalls: BTreeMap<u64, SyscallCost>,
}

/// A call in progress.
struct Call {
    number: u64,
    site: u64,
    kernel_before: u64,
}

impl Accounting {
    /// All executed instructions.
    pub(super) fn executed(&self) -> u64 {
        self.program + self.kernel
    }

    /// Executed instructions that did not trap.
    pub(super) fn retired(&self) -> u64 {
        self.executed() - self.trapped
    }

    /// Books `instructions` on the side that executed them.
    pub(super) fn add(&mut self, in_program: bool, instructions: u64) {
        if in_program {
            self.program += instructions;
        } else {
            self.kernel += instructions;
        }
    }

    /// Books `cycles` on the side that spent them.
    pub(super) fn add_cycles(&mut self, in_program: bool, cycles: u64) {
        if in_program {
            self.cycles.program += cycles;
        } else {
            self.cycles.kernel += cycles;
        }
    }

    /// Program code is about to run. If a call was in progress it ends here: the result is its site.
    #[inline(always)]
    pub(super) fn program_entered(&mut self) -> Option<u64> {
        if self.boot.is_none() {
            self.boot = Some(self.kernel);
            self.cycles.boot = self.cycles.kernel;
        }
        if self.call.is_some() { self.finish_call() } else { None }
    }

    /// Program code made the call `number` at `site`.
    pub(super) fn call_started(&mut self, number: u64, site: u64) {
        self.finish_call();
        self.call = Some(Call { number, site, kernel_before: self.kernel });
    }

    /// Number and site of the call in progress.
    pub(super) fn call(&self) -> Option<(u64, u64)> {
        self.call.as_ref().map(|call| (call.number, call.site))
    }

    fn finish_call(&mut self) -> Option<u64> {
        let call = self.call.take()?;
        self.syscalls.entry(call.number).or_default().add(self.kernel - call.kernel_before);
        Some(call.site)
    }

    /// The totals; a call that never returned (`exit_group`) is in them.
    pub(super) fn counts(&self) -> InstructionCounts {
        let mut syscalls = self.syscalls.clone();
        if let Some(call) = &self.call {
            syscalls.entry(call.number).or_default().add(self.kernel - call.kernel_before);
        }
        InstructionCounts {
            total: self.executed(),
            boot: self.boot.unwrap_or(self.kernel),
            program: self.program,
            kernel: self.kernel,
            misaligned: self.misaligned,
            cycles: None,
            syscalls,
        }
    }
}

impl Accounting {
    /// What was spent, all in all.
    pub(super) fn cycles(&self) -> Cycles {
        let Cycles { boot, program, kernel, .. } = self.cycles;
        let boot = if self.boot.is_some() { boot } else { kernel };
        Cycles { total: program + kernel, boot, program, kernel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_exact() {
        let mut cost = SyscallCost::default();
        for value in [9, 1, 5, 5, 100] {
            cost.add(value);
        }
        assert_eq!((cost.calls(), cost.min(), cost.median(), cost.max(), cost.total()), (5, 1, 5, 100, 120));
        cost.add(1);
        assert_eq!(cost.median(), 5);
        cost.add(1);
        cost.add(1);
        assert_eq!(cost.median(), 1);
    }

    #[test]
    fn a_call_that_never_returns_is_counted() {
        let mut accounting = Accounting::default();
        accounting.add(false, 7);
        assert_eq!(accounting.program_entered(), None);
        accounting.add(true, 3);
        accounting.call_started(94, 0x1000);
        accounting.add(false, 11);
        let counts = accounting.counts();
        assert_eq!((counts.total, counts.boot, counts.program, counts.kernel), (21, 7, 3, 18));
        assert_eq!(counts.syscalls[&94].total(), 11);
    }
}
