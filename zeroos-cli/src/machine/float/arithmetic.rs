//! Addition, multiplication, division, square root and fused multiply-add: on the host where that is provably the
//! same, in software otherwise.

use super::format::Format;
use super::{INEXACT, Rounding, soft};

/// The operations of IEEE 754-2019, 5.4.1. Subtraction is addition with a flipped sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Add,
    Multiply,
    Divide,
    SquareRoot,
    /// First times second plus third, rounded once.
    MultiplyAdd,
}

/// Hosts whose `fma` rounds once: hardware, or the C libraries of Linux and macOS.
const HOST_FUSES: bool = cfg!(any(target_os = "linux", target_os = "macos"));

/// The result of `operation` on `operands` (unused ones are 0); exceptions are added to `flags`.
///
/// The host's own operation serves when the mode is to-nearest-even, the inexact flag is already set, and the host's
/// result is normal with an exponent field of at least 2, or a zero sum. Proof that bits and flags are then right:
///
/// * Rust's host arithmetic is IEEE 754 with that rounding mode, and `mul_add` and `sqrt` round correctly on the
///   hosts where they are used. So the result's bits are right unless a NaN is involved, whose payload is free in
///   IEEE 754 and fixed in RISC-V. The result is finite, so it is none, and no operand was a NaN.
/// * Invalid operation always gives a NaN, division by zero an infinity, and overflow in this mode an infinity: the
///   result is none of these, so none of those flags is raised.
/// * Underflow needs a result that is tiny: below the smallest normal value after rounding with unbounded exponent.
///   Such a result is at most the smallest normal value itself (exponent field 1) when it is stored, and the result's
///   exponent field is larger. A sum that is zero is exact: sums of numbers of a format are multiples of its smallest
///   positive number, so none lies between zero and that.
/// * What remains is the inexact flag, which is set already.
#[inline(always)]
pub(super) fn compute<F: Format>(operation: Operation, operands: [u64; 3], rounding: Rounding, flags: &mut u8) -> u64 {
    let fits = rounding == Rounding::NearestEven
        && *flags & INEXACT != 0
        && (operation != Operation::MultiplyAdd || HOST_FUSES);
    if fits {
        let result = on_host::<F>(operation, operands);
        let exponent = F::exponent_field(result);
        let normal = exponent.wrapping_sub(2) < F::EXPONENT_MASK - 2;
        if normal || operation == Operation::Add && F::is_zero(result) {
            return result;
        }
    }
    soft::compute::<F>(operation, operands, rounding, flags)
}

#[inline(always)]
fn on_host<F: Format>(operation: Operation, [a, b, c]: [u64; 3]) -> u64 {
    match operation {
        Operation::Add => F::host_add(a, b),
        Operation::Multiply => F::host_multiply(a, b),
        Operation::Divide => F::host_divide(a, b),
        Operation::SquareRoot => F::host_square_root(a),
        Operation::MultiplyAdd => F::host_multiply_add(a, b, c),
    }
}
