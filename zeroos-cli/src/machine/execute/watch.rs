//! What is looked at as instructions begin and access memory: nothing, an access's alignment, what its page allows, or what it all
//! costs. Decided once, by type: nearly all machines do not care, and the inner loop should not ask.

use super::Exit;
use crate::address::Address;
use crate::isa::Instruction;
use crate::machine::code::Price;
use crate::machine::memory::Memory;
use crate::machine::page_rights::{PageRights, Right};
use crate::machine::profile::Profile;
use crate::machine::trap::{Exception, LOAD_PAGE_FAULT, STORE_PAGE_FAULT};
use crate::platform::Misaligned;

/// A look at accesses before they are made.
pub(in crate::machine) trait Watch {
    /// At the beginning of the instruction in slot `slot` of the window.
    #[inline(always)]
    fn begin(&mut self, slot: usize) {
        let _ = slot;
    }

    /// At a load of `size` bytes, or a store of as many.
    fn look(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit>;

    /// The same at an atomic access, which is aligned.
    fn look_at_atomic(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit>;
}

/// Every access may be made.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    #[inline(always)]
    fn look(&mut self, _: &Memory, _: u64, _: usize, _: bool) -> Result<(), Exit> {
        Ok(())
    }

    #[inline(always)]
    fn look_at_atomic(&mut self, _: &Memory, _: u64, _: usize, _: bool) -> Result<(), Exit> {
        Ok(())
    }
}

/// Misaligned accesses are something to notice; those of atomic instructions raise exceptions everywhere.
pub(super) struct Alignment<'a> {
    /// What a misaligned access does.
    pub(super) misaligned: Misaligned,
    /// How many there were.
    pub(super) count: &'a mut u64,
}

impl Watch for Alignment<'_> {
    #[inline(always)]
    fn look(&mut self, _: &Memory, address: u64, size: usize, _: bool) -> Result<(), Exit> {
        if address.is_multiple_of(size as u64) { Ok(()) } else { self.misaligned(address) }
    }

    #[inline(always)]
    fn look_at_atomic(&mut self, _: &Memory, _: u64, _: usize, _: bool) -> Result<(), Exit> {
        Ok(())
    }
}

impl Alignment<'_> {
    #[cold]
    #[inline(never)]
    fn misaligned(&mut self, address: u64) -> Result<(), Exit> {
        match self.misaligned {
            Misaligned::Works => {}
            Misaligned::Counted => *self.count += 1,
            Misaligned::Stops => return Err(Exit::Misaligned(Address(address))),
        }
        Ok(())
    }
}

/// Every instruction has its price; what a misaligned access does is looked at as well.
pub(super) struct Priced<'a> {
    pub(super) alignment: Alignment<'a>,
    /// The window's.
    pub(super) prices: &'a [Price],
    /// What was spent.
    pub(super) cycles: &'a mut u64,
    /// Instructions that come next and are paid for already.
    pub(super) paid: &'a mut u8,
}

impl Watch for Priced<'_> {
    #[inline(always)]
    fn begin(&mut self, slot: usize) {
        if *self.paid > 0 {
            *self.paid -= 1;
        } else if let Some(price) = self.prices.get(slot) {
            *self.cycles += u64::from(price.cycles);
            *self.paid = price.more;
        }
    }

    #[inline(always)]
    fn look(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit> {
        self.alignment.look(memory, address, size, stores)
    }

    #[inline(always)]
    fn look_at_atomic(&mut self, _: &Memory, _: u64, _: usize, _: bool) -> Result<(), Exit> {
        Ok(())
    }
}

/// A page table says what pages allow.
pub(super) struct Pages<'a> {
    pub(super) rights: &'a mut PageRights,
}

impl Watch for Pages<'_> {
    #[inline(always)]
    fn look(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit> {
        let right = if stores { Right::Write } else { Right::Read };
        self.rights.check(memory, address, size, right).map_err(|value| {
            let cause = if stores { STORE_PAGE_FAULT } else { LOAD_PAGE_FAULT };
            Exit::Raised(Exception { cause, value })
        })
    }

    #[inline(always)]
    fn look_at_atomic(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit> {
        self.look(memory, address, size, stores)
    }
}

/// A profile is made of what another watch looks at.
pub(super) struct Profiled<'a> {
    pub(super) watch: &'a mut dyn Watch,
    pub(super) profile: &'a mut Profile,
    /// The window's first address, and its instructions.
    pub(super) start: u64,
    pub(super) slots: &'a [Option<Instruction>],
}

impl Watch for Profiled<'_> {
    fn begin(&mut self, slot: usize) {
        self.watch.begin(slot);
        if let Some(Some(instruction)) = self.slots.get(slot) {
            self.profile.begin(self.start.wrapping_add(2 * slot as u64), instruction);
        }
    }

    fn look(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit> {
        self.watch.look(memory, address, size, stores)
    }

    fn look_at_atomic(&mut self, memory: &Memory, address: u64, size: usize, stores: bool) -> Result<(), Exit> {
        self.watch.look_at_atomic(memory, address, size, stores)
    }
}
