//! Software arithmetic in every rounding mode, with all flags: `rustc_apfloat` (the Rust project's port of LLVM's
//! APFloat) for everything but the square root, which it lacks and which integers give directly.
//!
//! RISC-V detects tininess after rounding, "as if the exponent range were unbounded", and overflow in every rounding
//! mode; APFloat does neither. Both are read off the same operation in a format of the same precision whose exponent
//! range the result cannot leave.

use rustc_apfloat::ieee::{IeeeFloat, Semantics};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

use super::arithmetic::Operation;
use super::format::{Double, Format, Single};
use super::{DIVIDE_BY_ZERO, INEXACT, INVALID, OVERFLOW, Rounding, UNDERFLOW};

impl Rounding {
    fn to_library(self) -> Round {
        match self {
            Rounding::NearestEven => Round::NearestTiesToEven,
            Rounding::TowardZero => Round::TowardZero,
            Rounding::Down => Round::TowardNegative,
            Rounding::Up => Round::TowardPositive,
            Rounding::NearestAway => Round::NearestTiesToAway,
        }
    }
}

/// The result of `operation`; exceptions are added to `flags`.
#[inline(never)]
pub(super) fn compute<F: Format>(operation: Operation, operands: [u64; 3], rounding: Rounding, flags: &mut u8) -> u64 {
    let [a, b, c] = operands;
    if operands.into_iter().any(F::is_nan) {
        // A product of zero and infinity is invalid even when a quiet NaN is added to it (ISA manual, F chapter).
        let infinite = |bits: u64| bits & !F::SIGN == F::INFINITY;
        let invalid_product =
            operation == Operation::MultiplyAdd && (infinite(a) && F::is_zero(b) || F::is_zero(a) && infinite(b));
        if invalid_product || operands.into_iter().any(F::is_signalling) {
            *flags |= INVALID;
        }
        return F::CANONICAL_NAN;
    }
    if operation == Operation::SquareRoot {
        return square_root::<F>(a, rounding, flags);
    }
    let round = rounding.to_library();
    let [x, y, z] = [a, b, c].map(|bits| IeeeFloat::<F::Soft>::from_bits(u128::from(bits)));
    let result = operate(operation, [x, y, z], round);
    finish::<F>(result, flags, || {
        let widen = |value: IeeeFloat<F::Soft>| convert::<F::Soft, F::Unbounded>(value, round).value;
        operate(operation, [widen(x), widen(y), widen(z)], round).value
    })
}

/// A double's value as a single.
pub(super) fn narrow(bits: u64, rounding: Rounding, flags: &mut u8) -> u64 {
    if Double::is_nan(bits) {
        if Double::is_signalling(bits) {
            *flags |= INVALID;
        }
        return Single::CANONICAL_NAN;
    }
    let round = rounding.to_library();
    let value = IeeeFloat::<<Double as Format>::Soft>::from_bits(u128::from(bits));
    let result = convert(value, round);
    finish::<Single>(result, flags, || convert(value, round).value)
}

/// An integer's value in format `F`: it neither overflows nor underflows.
pub(super) fn from_integer<F: Format>(value: i128, rounding: Rounding, flags: &mut u8) -> u64 {
    let result = IeeeFloat::<F::Soft>::from_i128_r(value, rounding.to_library());
    if result.status.contains(Status::INEXACT) {
        *flags |= INEXACT;
    }
    result.value.to_bits() as u64
}

fn convert<S: Semantics, T: Semantics>(value: IeeeFloat<S>, round: Round) -> StatusAnd<IeeeFloat<T>> {
    let mut loses_information = false;
    value.convert_r(round, &mut loses_information)
}

fn operate<S: Semantics>(operation: Operation, [a, b, c]: [IeeeFloat<S>; 3], round: Round) -> StatusAnd<IeeeFloat<S>> {
    match operation {
        Operation::Add => a.add_r(b, round),
        Operation::Multiply => a.mul_r(b, round),
        Operation::Divide => a.div_r(b, round),
        // `compute` has handled the square root.
        Operation::MultiplyAdd | Operation::SquareRoot => a.mul_add_r(b, c, round),
    }
}

/// The bits of `result` and its flags; `unbounded` is the result before the exponent's range was applied.
fn finish<F: Format>(
    result: StatusAnd<IeeeFloat<F::Soft>>,
    flags: &mut u8,
    unbounded: impl FnOnce() -> IeeeFloat<F::Unbounded>,
) -> u64 {
    let bits = result.value.to_bits() as u64;
    if result.status.contains(Status::INVALID_OP) {
        *flags |= INVALID;
    }
    if F::is_nan(bits) {
        return F::CANONICAL_NAN;
    }
    if result.status.contains(Status::DIV_BY_ZERO) {
        *flags |= DIVIDE_BY_ZERO;
    }
    if result.status.contains(Status::INEXACT) {
        *flags |= INEXACT;
        let exponent = F::exponent_field(bits);
        if exponent < 2 || exponent > F::EXPONENT_MASK - 2 {
            let exponent = unbounded().ilogb();
            if exponent > F::MAX_EXPONENT {
                *flags |= OVERFLOW;
            } else if exponent < 1 - F::MAX_EXPONENT {
                *flags |= UNDERFLOW;
            }
        }
    }
    bits
}

/// The square root of what is not a NaN: an integer square root with one bit more than the precision, and whether
/// anything remains behind it, is all that rounding needs. Neither overflow nor underflow can occur.
fn square_root<F: Format>(bits: u64, rounding: Rounding, flags: &mut u8) -> u64 {
    if F::is_zero(bits) || bits == F::INFINITY {
        return bits;
    }
    if bits & F::SIGN != 0 {
        *flags |= INVALID;
        return F::CANONICAL_NAN;
    }
    // bits = significand * 2^exponent, with the significand's top bit at FRACTION_BITS.
    let field = F::exponent_field(bits).max(1) as i32;
    let fraction = bits & F::FRACTION_MASK;
    let significand = if F::exponent_field(bits) == 0 { fraction } else { fraction | 1 << F::FRACTION_BITS };
    let denormal_shift = F::FRACTION_BITS - significand.ilog2();
    let significand = u128::from(significand << denormal_shift);
    let exponent = field - F::MAX_EXPONENT - F::FRACTION_BITS as i32 - denormal_shift as i32;
    // Shift by precision + 1 or + 2, whichever leaves an even exponent: the root has precision + 1 bits.
    let shift = F::FRACTION_BITS as i32 + 2;
    let shift = shift + (exponent - shift).rem_euclid(2);
    let radicand = significand << shift;
    let root = radicand.isqrt();
    let (half, rest) = (root & 1 == 1, root * root != radicand);
    let truncated = (root >> 1) as u64;
    let up = match rounding {
        Rounding::NearestEven => half && (rest || truncated & 1 == 1),
        Rounding::NearestAway => half,
        Rounding::Up => half || rest,
        Rounding::TowardZero | Rounding::Down => false,
    };
    if half || rest {
        *flags |= INEXACT;
    }
    // A carry out of the fraction moves into the exponent field, as it must.
    let field = (exponent - shift) / 2 + 1 + F::FRACTION_BITS as i32 + F::MAX_EXPONENT;
    ((field as u64) << F::FRACTION_BITS) + (truncated & F::FRACTION_MASK) + u64::from(up)
}
