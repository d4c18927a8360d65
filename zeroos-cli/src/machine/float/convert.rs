//! Conversions between the formats and from and to integers (ISA manual, F chapter, table of conversion ranges).

use super::format::{Double, Format, Single};
use super::{INEXACT, INVALID, Rounding, soft};

/// The integer types of the conversions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Integer {
    I32,
    U32,
    I64,
    U64,
}

impl Integer {
    /// The value that a register holds.
    pub(super) fn value_of(self, register: u64) -> i128 {
        match self {
            Integer::I32 => i128::from(register as i32),
            Integer::U32 => i128::from(register as u32),
            Integer::I64 => i128::from(register as i64),
            Integer::U64 => i128::from(register),
        }
    }

    fn range(self) -> (i128, i128) {
        match self {
            Integer::I32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Integer::U32 => (0, i128::from(u32::MAX)),
            Integer::I64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
            Integer::U64 => (0, i128::from(u64::MAX)),
        }
    }

    /// How a register holds `value`: 32-bit ones are sign-extended, unsigned too.
    fn to_register(self, value: i128) -> u64 {
        match self {
            Integer::I32 | Integer::U32 => value as i32 as u64,
            Integer::I64 | Integer::U64 => value as u64,
        }
    }
}

/// Rounds to an integer; what is out of range saturates and is invalid, and a NaN counts as the greatest value.
pub(super) fn to_integer<F: Format>(bits: u64, to: Integer, rounding: Rounding, flags: &mut u8) -> u64 {
    let (least, greatest) = to.range();
    if F::is_nan(bits) {
        *flags |= INVALID;
        return to.to_register(greatest);
    }
    let value = F::to_f64(bits);
    // All five are exact: a double with a fraction part is below 2^52.
    let rounded = match rounding {
        Rounding::NearestEven => value.round_ties_even(),
        Rounding::TowardZero => value.trunc(),
        Rounding::Down => value.floor(),
        Rounding::Up => value.ceil(),
        Rounding::NearestAway => value.round(),
    };
    // `as` saturates, far outside every target's range.
    let integer = rounded as i128;
    if integer < least || integer > greatest {
        *flags |= INVALID;
        return to.to_register(integer.clamp(least, greatest));
    }
    if rounded != value {
        *flags |= INEXACT;
    }
    to.to_register(integer)
}

/// Rounds an integer of at most 64 bits to format `F`.
pub(super) fn from_integer<F: Format>(value: i128, rounding: Rounding, flags: &mut u8) -> u64 {
    // Rust's `as` rounds to nearest even; where it was exact, every mode gives the same.
    let bits = F::host_from_integer(value);
    if F::to_f64(bits) as i128 == value {
        return bits;
    }
    if rounding == Rounding::NearestEven {
        *flags |= INEXACT;
        return bits;
    }
    soft::from_integer::<F>(value, rounding, flags)
}

/// A double's value as a single. The host serves under the conditions, and by the proof, of
/// [`arithmetic::compute`](super::arithmetic::compute).
pub(super) fn narrow(bits: u64, rounding: Rounding, flags: &mut u8) -> u64 {
    if rounding == Rounding::NearestEven && *flags & INEXACT != 0 {
        let result = u64::from((f64::from_bits(bits) as f32).to_bits());
        if Single::exponent_field(result).wrapping_sub(2) < Single::EXPONENT_MASK - 2 {
            return result;
        }
    }
    soft::narrow(bits, rounding, flags)
}

/// A single's value as a double: exact.
pub(super) fn widen(bits: u64, flags: &mut u8) -> u64 {
    if !Single::is_nan(bits) {
        return Single::to_f64(bits).to_bits();
    }
    if Single::is_signalling(bits) {
        *flags |= INVALID;
    }
    Double::CANONICAL_NAN
}
