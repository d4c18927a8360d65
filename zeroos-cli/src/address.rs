//! Newtypes for places and sizes in the guest: they keep an address from being added to an address and a size
//! from being used as a place. Nothing here knows about ELF, memory contents or the host.

use std::fmt;
use std::ops::{Add, Sub};

/// A guest virtual address, in bytes from zero. Where a machine has paging (`qemu-virt`), physical ones are told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(pub u64);

/// A size in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteCount(pub u64);

/// The addresses from `start` up to, not including, `end`; `start <= end` always holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressRange {
    start: Address,
    end: Address,
}

impl Address {
    /// `self + bytes`, or `None` past the end of the address space.
    pub fn checked_add(self, bytes: ByteCount) -> Option<Address> {
        self.0.checked_add(bytes.0).map(Address)
    }

    /// The next multiple of `alignment` (a power of two, in bytes) that is not below `self`; `None` on overflow.
    pub fn align_up(self, alignment: u64) -> Option<Address> {
        debug_assert!(alignment.is_power_of_two());
        Some(Address(self.0.checked_add(alignment - 1)? & !(alignment - 1)))
    }

    /// The last multiple of `alignment` (a power of two, in bytes) that is not above `self`.
    pub fn align_down(self, alignment: u64) -> Address {
        debug_assert!(alignment.is_power_of_two());
        Address(self.0 & !(alignment - 1))
    }

    /// `self` moved by a signed displacement, wrapping like the hart's own address arithmetic.
    pub fn offset(self, displacement: i64) -> Address {
        Address(self.0.wrapping_add_signed(displacement))
    }
}

impl AddressRange {
    /// The range of `size` bytes at `start`; `None` if it would pass the end of the address space.
    pub fn new(start: Address, size: ByteCount) -> Option<AddressRange> {
        Some(AddressRange { start, end: start.checked_add(size)? })
    }

    /// The range from `start` up to `end`; `None` if `end` is below `start`.
    pub fn between(start: Address, end: Address) -> Option<AddressRange> {
        (start <= end).then_some(AddressRange { start, end })
    }

    /// The first address.
    pub fn start(self) -> Address {
        self.start
    }

    /// The first address behind the range.
    pub fn end(self) -> Address {
        self.end
    }

    /// How many bytes the range spans.
    pub fn size(self) -> ByteCount {
        ByteCount(self.end.0 - self.start.0)
    }

    /// Whether it spans no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `address` lies inside.
    pub fn contains(self, address: Address) -> bool {
        self.start <= address && address < self.end
    }

    /// Whether all of `other` lies inside.
    pub fn covers(self, other: AddressRange) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether at least one byte is in both.
    pub fn overlaps(self, other: AddressRange) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// `ranges`, ascending, without overlaps, and neighbours joined.
    pub fn joined(mut ranges: Vec<AddressRange>) -> Vec<AddressRange> {
        ranges.sort();
        let mut joined: Vec<AddressRange> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        joined
    }
}

impl Add<ByteCount> for ByteCount {
    type Output = ByteCount;
    fn add(self, other: ByteCount) -> ByteCount {
        ByteCount(self.0.saturating_add(other.0))
    }
}

impl Sub<Address> for Address {
    type Output = ByteCount;
    /// The distance up from `other`; zero if `other` lies above.
    fn sub(self, other: Address) -> ByteCount {
        ByteCount(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl fmt::Debug for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start.0, self.end.0)
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start.0, self.end.0)
    }
}

/// As the string `"0x…"`: JSON numbers do not hold 64 bits everywhere.
impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From `"0x…"` or a plain number (platform files write either).
impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match serde::Deserialize::deserialize(deserializer)? {
            Written::Number(number) => Ok(Address(number)),
            Written::Text(text) => text
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .map(Address)
                .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an address: expected \"0x…\""))),
        }
    }
}

/// As a plain number of bytes.
impl serde::Serialize for ByteCount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// From a plain number of bytes.
impl<'de> serde::Deserialize<'de> for ByteCount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ByteCount, D::Error> {
        u64::deserialize(deserializer).map(ByteCount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_never_wrap() {
        assert_eq!(AddressRange::new(Address(u64::MAX), ByteCount(2)), None);
        assert_eq!(AddressRange::between(Address(2), Address(1)), None);
        assert_eq!(Address(u64::MAX).align_up(4096), None);
    }

    #[test]
    fn touching_ranges_do_not_overlap() {
        let low = AddressRange::new(Address(0), ByteCount(16)).unwrap();
        let high = AddressRange::new(Address(16), ByteCount(16)).unwrap();
        assert!(!low.overlaps(high) && low.contains(Address(15)) && !low.contains(Address(16)));
    }
}
