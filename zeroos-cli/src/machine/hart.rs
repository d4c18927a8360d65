//! The architectural state of the hart.

use super::csr::Csrs;
use super::supervisor::Supervisor;
use crate::address::Address;

/// Where decoded instructions write results that go to x0.
pub(super) const DISCARDED: u8 = 32;

/// Registers and control state.
pub(super) struct Hart {
    /// Address of the next instruction.
    pub(super) pc: u64,
    /// x0–x31 in front; behind them [`DISCARDED`], and a rest that makes every `u8` a valid index.
    pub(super) x: [u64; 256],
    /// The bits of f0–f31; single-precision values are NaN-boxed.
    pub(super) f: [u64; 32],
    /// Control and status registers.
    pub(super) csrs: Csrs,
    /// What a store-conditional needs to succeed.
    pub(super) reservation: Option<Reservation>,
}

/// The bytes that a load-reserved registered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) address: u64,
    pub(super) size: usize,
}

impl Hart {
    /// A hart out of reset, about to execute at `entry`.
    pub(super) fn new(entry: Address, misa: u64, supervisor: Option<Supervisor>) -> Hart {
        Hart { pc: entry.0 & !1, x: [0; 256], f: [0; 32], csrs: Csrs::new(misa, supervisor), reservation: None }
    }

    /// Integer register `number`.
    #[inline(always)]
    pub(super) fn x(&self, number: u8) -> u64 {
        self.x[usize::from(number)]
    }

    /// x0–x31.
    pub(super) fn registers(&self) -> [u64; 32] {
        std::array::from_fn(|number| self.x[number])
    }

    /// Sets integer register `number`, where [`DISCARDED`] stands for x0.
    #[inline(always)]
    pub(super) fn set_x(&mut self, number: u8, value: u64) {
        self.x[usize::from(number)] = value;
    }

    /// Floating-point register `number`.
    #[inline(always)]
    pub(super) fn f(&self, number: u8) -> u64 {
        self.f[usize::from(number & 31)]
    }

    /// Sets floating-point register `number`.
    #[inline(always)]
    pub(super) fn set_f(&mut self, number: u8, bits: u64) {
        self.f[usize::from(number & 31)] = bits;
    }
}
