//! Argument registers to typed parameters: each handler parameter that is not kernel state is the next of a0…a5.

use crate::user_memory::UserAddress;

/// A type that an argument register can be read as, with Linux's truncation rules (an `int` parameter looks at the low
/// 32 bits only).
pub trait FromRegister {
    /// The value that `register` carries.
    fn from_register(register: u64) -> Self;
}

/// A file descriptor as the program wrote it: an allegation until the descriptor table finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fd(pub i32);

impl FromRegister for u64 {
    fn from_register(register: u64) -> u64 {
        register
    }
}

impl FromRegister for i64 {
    fn from_register(register: u64) -> i64 {
        register as i64
    }
}

impl FromRegister for usize {
    fn from_register(register: u64) -> usize {
        register as usize
    }
}

impl FromRegister for u32 {
    fn from_register(register: u64) -> u32 {
        register as u32
    }
}

impl FromRegister for i32 {
    fn from_register(register: u64) -> i32 {
        register as i32
    }
}

impl FromRegister for Fd {
    fn from_register(register: u64) -> Fd {
        Fd(register as i32)
    }
}

impl FromRegister for UserAddress {
    fn from_register(register: u64) -> UserAddress {
        UserAddress(register as usize)
    }
}
