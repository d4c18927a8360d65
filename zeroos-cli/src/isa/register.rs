//! Integer and floating-point registers by number and ABI name (psABI, "Register Convention"), and sets of them.

use std::fmt;

/// An integer register x0–x31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(u8);

/// A floating-point register f0–f31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FloatRegister(u8);

const NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

const FLOAT_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

impl Register {
    /// x0: reads as zero, writes vanish.
    pub const ZERO: Register = Register(0);
    /// x1: return address.
    pub const RA: Register = Register(1);
    /// x2: stack pointer.
    pub const SP: Register = Register(2);
    /// x3: global pointer.
    pub const GP: Register = Register(3);
    /// x4: thread pointer.
    pub const TP: Register = Register(4);
    /// x5: the alternate link register.
    pub const T0: Register = Register(5);
    /// x8: the frame pointer, where there is one.
    pub const S0: Register = Register(8);
    /// x10: first argument and result.
    pub const A0: Register = Register(10);
    /// x17: the Linux syscall number.
    pub const A7: Register = Register(17);

    /// Register `number & 31`.
    pub const fn new(number: u8) -> Register {
        Register(number & 31)
    }

    /// 0–31.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether a call must leave it unchanged by the psABI: sp, s0–s11 (gp and tp are never touched).
    pub const fn is_callee_saved(self) -> bool {
        matches!(self.0, 2 | 3 | 4 | 8 | 9 | 18..=27)
    }
}

impl FloatRegister {
    /// Register `number & 31`.
    pub const fn new(number: u8) -> FloatRegister {
        FloatRegister(number & 31)
    }

    /// 0–31.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A set of integer registers, as a bit mask.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RegisterSet(u32);

impl RegisterSet {
    /// No register.
    pub const EMPTY: RegisterSet = RegisterSet(0);

    /// The set with just `registers`.
    pub fn of(registers: &[Register]) -> RegisterSet {
        registers.iter().fold(RegisterSet::EMPTY, |set, &register| set.with(register))
    }

    /// The registers whose bits are set, x0's the lowest.
    pub const fn from_bits(bits: u32) -> RegisterSet {
        RegisterSet(bits)
    }

    /// The set as a bit mask, x0's bit the lowest.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// `self` and `register`.
    pub const fn with(self, register: Register) -> RegisterSet {
        RegisterSet(self.0 | 1 << register.0)
    }

    /// `self` without `register`.
    pub const fn without(self, register: Register) -> RegisterSet {
        RegisterSet(self.0 & !(1 << register.0))
    }

    /// Whether `register` is in the set.
    pub const fn contains(self, register: Register) -> bool {
        self.0 & (1 << register.0) != 0
    }

    /// What is in either.
    pub const fn union(self, other: RegisterSet) -> RegisterSet {
        RegisterSet(self.0 | other.0)
    }

    /// What is in `self` but not in `other`.
    pub const fn minus(self, other: RegisterSet) -> RegisterSet {
        RegisterSet(self.0 & !other.0)
    }

    /// What is in both.
    pub const fn intersection(self, other: RegisterSet) -> RegisterSet {
        RegisterSet(self.0 & other.0)
    }

    /// Whether no register is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many registers are in it.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The registers in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Register> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let number = (rest != 0).then_some(rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(Register(number as u8))
        })
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[self.0 as usize])
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FloatRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FLOAT_NAMES[self.0 as usize])
    }
}

impl fmt::Debug for FloatRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for RegisterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
