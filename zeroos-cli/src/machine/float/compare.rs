//! Comparisons, minimum and maximum, and classification.

use super::INVALID;
use super::format::Format;

/// Quiet: only a signalling NaN is invalid.
pub(super) fn equal<F: Format>(a: u64, b: u64, flags: &mut u8) -> u64 {
    signal_if(F::is_signalling(a) || F::is_signalling(b), flags);
    u64::from(F::to_f64(a) == F::to_f64(b))
}

/// Signalling: any NaN is invalid.
pub(super) fn less<F: Format>(a: u64, b: u64, flags: &mut u8) -> u64 {
    signal_if(F::is_nan(a) || F::is_nan(b), flags);
    u64::from(F::to_f64(a) < F::to_f64(b))
}

/// Signalling: any NaN is invalid.
pub(super) fn less_or_equal<F: Format>(a: u64, b: u64, flags: &mut u8) -> u64 {
    signal_if(F::is_nan(a) || F::is_nan(b), flags);
    u64::from(F::to_f64(a) <= F::to_f64(b))
}

/// IEEE 754-2019 minimumNumber: of a NaN and a number, the number; -0 is below +0.
pub(super) fn minimum<F: Format>(a: u64, b: u64, flags: &mut u8) -> u64 {
    choose::<F>(a, b, |a, b| a < b, flags)
}

/// IEEE 754-2019 maximumNumber.
pub(super) fn maximum<F: Format>(a: u64, b: u64, flags: &mut u8) -> u64 {
    choose::<F>(a, b, |a, b| a > b, flags)
}

fn choose<F: Format>(a: u64, b: u64, first_wins: impl Fn(i64, i64) -> bool, flags: &mut u8) -> u64 {
    signal_if(F::is_signalling(a) || F::is_signalling(b), flags);
    match (F::is_nan(a), F::is_nan(b)) {
        (true, true) => F::CANONICAL_NAN,
        (true, false) => b,
        (false, true) => a,
        (false, false) if first_wins(order::<F>(a), order::<F>(b)) => a,
        (false, false) => b,
    }
}

/// A number that orders like the value, with -0 below +0.
fn order<F: Format>(bits: u64) -> i64 {
    let magnitude = (bits & !F::SIGN) as i64;
    if bits & F::SIGN == 0 { magnitude } else { -1 - magnitude }
}

/// The one bit of `fclass` that holds for the value.
pub(super) fn classify<F: Format>(bits: u64) -> u64 {
    let negative = bits & F::SIGN != 0;
    let side = |below: u32, above: u32| if negative { below } else { above };
    let bit = match (F::exponent_field(bits), bits & F::FRACTION_MASK) {
        (0, 0) => side(3, 4),
        (0, _) => side(2, 5),
        (field, 0) if field == F::EXPONENT_MASK => side(0, 7),
        (field, _) if field == F::EXPONENT_MASK => {
            if F::is_signalling(bits) {
                8
            } else {
                9
            }
        }
        _ => side(1, 6),
    };
    1 << bit
}

fn signal_if(invalid: bool, flags: &mut u8) {
    if invalid {
        *flags |= INVALID;
    }
}
