//! The two floating-point formats, as bits in the low end of a `u64`, and what the host and the soft-float library
//! call them.

use rustc_apfloat::ieee::{DoubleS, Semantics, SingleS};

/// binary32 or binary64 (IEEE 754-2019, 3.4).
pub(super) trait Format {
    /// The library's name for the format.
    type Soft: Semantics;
    /// The same precision with an exponent range that no operation on the format's values can leave.
    type Unbounded: Semantics;

    /// Bits of the stored fraction.
    const FRACTION_BITS: u32;
    /// The largest exponent of a finite value; also the exponent's bias.
    const MAX_EXPONENT: i32;

    /// The sign bit.
    const SIGN: u64 = (Self::EXPONENT_MASK << Self::FRACTION_BITS) + (1 << Self::FRACTION_BITS);
    /// The exponent field, shifted down.
    const EXPONENT_MASK: u64 = (Self::MAX_EXPONENT as u64) * 2 + 1;
    /// The fraction field.
    const FRACTION_MASK: u64 = (1 << Self::FRACTION_BITS) - 1;
    /// Positive infinity.
    const INFINITY: u64 = Self::EXPONENT_MASK << Self::FRACTION_BITS;
    /// The fraction's top bit, which tells a quiet NaN.
    const QUIET: u64 = 1 << (Self::FRACTION_BITS - 1);
    /// The only NaN that operations produce (ISA manual, F chapter, "NaN Generation and Propagation").
    const CANONICAL_NAN: u64 = Self::INFINITY | Self::QUIET;

    /// The value in a register of 64 bits: an improperly boxed narrow one reads as the canonical NaN.
    fn from_register(register: u64) -> u64;
    /// The register's bits for a value: narrow ones are boxed in ones.
    fn to_register(bits: u64) -> u64;
    /// The value as a host double; exact for both formats (a NaN stays some NaN).
    fn to_f64(bits: u64) -> f64;

    /// The host's sum, rounded to nearest even as the following.
    fn host_add(a: u64, b: u64) -> u64;
    /// The host's product.
    fn host_multiply(a: u64, b: u64) -> u64;
    /// The host's quotient.
    fn host_divide(a: u64, b: u64) -> u64;
    /// The host's square root.
    fn host_square_root(a: u64) -> u64;
    /// The host's fused `a * b + c`.
    fn host_multiply_add(a: u64, b: u64, c: u64) -> u64;
    /// The host's conversion of an integer.
    fn host_from_integer(value: i128) -> u64;

    /// The exponent field.
    fn exponent_field(bits: u64) -> u64 {
        bits >> Self::FRACTION_BITS & Self::EXPONENT_MASK
    }

    /// Whether it is any NaN.
    fn is_nan(bits: u64) -> bool {
        bits & !Self::SIGN > Self::INFINITY
    }

    /// Whether it is a signalling NaN.
    fn is_signalling(bits: u64) -> bool {
        Self::is_nan(bits) && bits & Self::QUIET == 0
    }

    /// Whether it is a zero of either sign.
    fn is_zero(bits: u64) -> bool {
        bits & !Self::SIGN == 0
    }
}

/// binary32.
pub(super) struct Single;
/// binary64.
pub(super) struct Double;

/// 24 bits of precision, 15 of exponent.
pub(super) struct UnboundedSingle;
/// 53 bits of precision, 15 of exponent.
pub(super) struct UnboundedDouble;

impl Semantics for UnboundedSingle {
    const BITS: usize = 1 + 15 + 23;
    const EXP_BITS: usize = 15;
}

impl Semantics for UnboundedDouble {
    const BITS: usize = 1 + 15 + 52;
    const EXP_BITS: usize = 15;
}

const BOX: u64 = 0xffff_ffff_0000_0000;

impl Format for Single {
    type Soft = SingleS;
    type Unbounded = UnboundedSingle;

    const FRACTION_BITS: u32 = 23;
    const MAX_EXPONENT: i32 = 127;

    fn from_register(register: u64) -> u64 {
        if register & BOX == BOX { register & !BOX } else { Self::CANONICAL_NAN }
    }

    fn to_register(bits: u64) -> u64 {
        bits | BOX
    }

    fn to_f64(bits: u64) -> f64 {
        f64::from(single(bits))
    }

    fn host_add(a: u64, b: u64) -> u64 {
        u64::from((single(a) + single(b)).to_bits())
    }

    fn host_multiply(a: u64, b: u64) -> u64 {
        u64::from((single(a) * single(b)).to_bits())
    }

    fn host_divide(a: u64, b: u64) -> u64 {
        u64::from((single(a) / single(b)).to_bits())
    }

    fn host_square_root(a: u64) -> u64 {
        u64::from(single(a).sqrt().to_bits())
    }

    fn host_multiply_add(a: u64, b: u64, c: u64) -> u64 {
        u64::from(single(a).mul_add(single(b), single(c)).to_bits())
    }

    fn host_from_integer(value: i128) -> u64 {
        u64::from((value as f32).to_bits())
    }
}

impl Format for Double {
    type Soft = DoubleS;
    type Unbounded = UnboundedDouble;

    const FRACTION_BITS: u32 = 52;
    const MAX_EXPONENT: i32 = 1023;

    fn from_register(register: u64) -> u64 {
        register
    }

    fn to_register(bits: u64) -> u64 {
        bits
    }

    fn to_f64(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn host_add(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) + f64::from_bits(b)).to_bits()
    }

    fn host_multiply(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) * f64::from_bits(b)).to_bits()
    }

    fn host_divide(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) / f64::from_bits(b)).to_bits()
    }

    fn host_square_root(a: u64) -> u64 {
        f64::from_bits(a).sqrt().to_bits()
    }

    fn host_multiply_add(a: u64, b: u64, c: u64) -> u64 {
        f64::from_bits(a).mul_add(f64::from_bits(b), f64::from_bits(c)).to_bits()
    }

    fn host_from_integer(value: i128) -> u64 {
        (value as f64).to_bits()
    }
}

fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}
