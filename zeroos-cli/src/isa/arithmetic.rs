//! Integer arithmetic that the host's operators do not give directly (ISA manual, "M" and bit-manipulation chapters).

/// The upper half of a signed product.
pub(crate) fn mulh(a: u64, b: u64) -> u64 {
    ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
}

/// The upper half of the product of a signed and an unsigned factor.
pub(crate) fn mulhsu(a: u64, b: u64) -> u64 {
    (i128::from(a as i64).wrapping_mul(i128::from(b)) >> 64) as u64
}

/// The upper half of an unsigned product.
pub(crate) fn mulhu(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// Division by zero gives all ones; the one overflow gives the dividend.
pub(crate) fn div(a: u64, b: u64) -> u64 {
    if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 }
}

/// Division by zero gives all ones.
pub(crate) fn divu(a: u64, b: u64) -> u64 {
    a.checked_div(b).unwrap_or(u64::MAX)
}

/// The remainder of a division by zero is the dividend.
pub(crate) fn rem(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 }
}

/// The remainder of a division by zero is the dividend.
pub(crate) fn remu(a: u64, b: u64) -> u64 {
    a.checked_rem(b).unwrap_or(a)
}

/// As [`div`], on words.
pub(crate) fn divw(a: u64, b: u64) -> u64 {
    if b as u32 == 0 { u64::MAX } else { word((a as i32).wrapping_div(b as i32) as u32) }
}

/// As [`divu`], on words.
pub(crate) fn divuw(a: u64, b: u64) -> u64 {
    (a as u32).checked_div(b as u32).map_or(u64::MAX, word)
}

/// As [`rem`], on words.
pub(crate) fn remw(a: u64, b: u64) -> u64 {
    if b as u32 == 0 { word(a as u32) } else { word((a as i32).wrapping_rem(b as i32) as u32) }
}

/// As [`remu`], on words.
pub(crate) fn remuw(a: u64, b: u64) -> u64 {
    word((a as u32).checked_rem(b as u32).unwrap_or(a as u32))
}

/// A 32-bit result, sign-extended as every `…w` operation leaves it.
#[inline(always)]
pub(crate) fn word(value: u32) -> u64 {
    value as i32 as u64
}

/// `orc.b`: each byte becomes all ones unless it was zero.
pub(crate) fn or_combine_bytes(value: u64) -> u64 {
    u64::from_le_bytes(value.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_has_no_exceptions() {
        let min = i64::MIN as u64;
        assert_eq!((div(7, 0), rem(7, 0), divu(7, 0), remu(7, 0)), (u64::MAX, 7, u64::MAX, 7));
        assert_eq!((div(min, u64::MAX), rem(min, u64::MAX)), (min, 0));
        assert_eq!((divw(0x8000_0000, u64::MAX), remw(0x8000_0000, u64::MAX)), (word(0x8000_0000), 0));
        assert_eq!((divuw(1 << 32, 1 << 32), remuw(0xffff_ffff, 0)), (u64::MAX, u64::MAX));
    }

    #[test]
    fn upper_products() {
        assert_eq!((mulh(u64::MAX, u64::MAX), mulhu(u64::MAX, u64::MAX)), (0, u64::MAX - 1));
        assert_eq!((mulhsu(u64::MAX, u64::MAX), mulhsu(1, u64::MAX)), (u64::MAX, 0));
    }
}
