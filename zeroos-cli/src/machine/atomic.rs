//! The A extension on one hart: every access is atomic by itself, so ordering bits mean nothing. Addresses must be
//! aligned (ISA manual, "A" chapter).

use super::hart::{Hart, Reservation};
use super::memory::Memory;
use super::trap::{Exception, LOAD_ACCESS_FAULT, LOAD_ADDRESS_MISALIGNED};
use super::trap::{STORE_ACCESS_FAULT, STORE_ADDRESS_MISALIGNED};
use crate::isa::arithmetic::word;
use crate::isa::{Instruction, Op};

impl Hart {
    /// Executes a load-reserved, store-conditional or atomic memory operation. The address of a store is returned.
    pub(super) fn execute_atomic(&mut self, i: &Instruction, memory: &mut Memory) -> Result<Option<u64>, Exception> {
        let address = self.x(i.rs1);
        let wide = i.op >= Op::LrD;
        let size = if wide { 8 } else { 4 };
        let loads = matches!(i.op, Op::LrW | Op::LrD);
        if !address.is_multiple_of(size as u64) {
            let cause = if loads { LOAD_ADDRESS_MISALIGNED } else { STORE_ADDRESS_MISALIGNED };
            return Err(Exception { cause, value: address });
        }
        let fault = Exception { cause: if loads { LOAD_ACCESS_FAULT } else { STORE_ACCESS_FAULT }, value: address };
        let old = read(memory, address, wide).ok_or(fault)?;
        let operand = self.x(i.rs2);
        if loads {
            self.reservation = Some(Reservation { address, size });
            self.set_x(i.rd, old);
            return Ok(None);
        }
        if matches!(i.op, Op::ScW | Op::ScD) {
            let reserved = self.reservation.take() == Some(Reservation { address, size });
            if reserved && !write(memory, address, operand, wide) {
                return Err(fault);
            }
            self.set_x(i.rd, u64::from(!reserved));
            return Ok(reserved.then_some(address));
        }
        // The word forms compare sign-extended: `operand` as a word orders like `old`, signed or unsigned.
        let value = if wide { operand } else { word(operand as u32) };
        let new = match i.op {
            Op::AmoswapW | Op::AmoswapD => value,
            Op::AmoaddW | Op::AmoaddD => old.wrapping_add(value),
            Op::AmoxorW | Op::AmoxorD => old ^ value,
            Op::AmoandW | Op::AmoandD => old & value,
            Op::AmoorW | Op::AmoorD => old | value,
            Op::AmominW | Op::AmominD => (old as i64).min(value as i64) as u64,
            Op::AmomaxW | Op::AmomaxD => (old as i64).max(value as i64) as u64,
            Op::AmominuW | Op::AmominuD => old.min(value),
            _ => old.max(value),
        };
        if !write(memory, address, new, wide) {
            return Err(fault);
        }
        self.set_x(i.rd, old);
        Ok(Some(address))
    }
}

fn read(memory: &mut Memory, address: u64, wide: bool) -> Option<u64> {
    if wide {
        memory.read(address).map(u64::from_le_bytes)
    } else {
        memory.read(address).map(u32::from_le_bytes).map(word)
    }
}

fn write(memory: &mut Memory, address: u64, value: u64, wide: bool) -> bool {
    if wide { memory.write(address, value.to_le_bytes()) } else { memory.write(address, (value as u32).to_le_bytes()) }
}
