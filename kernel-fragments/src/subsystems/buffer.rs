//! Buffers of which only the beginning is the program's: Linux moves what it can before it says EFAULT.

use crate::user_memory::{UserAddress, UserMemory};

/// How many of the `len_bytes` bytes at `address` are the program's before the first one that is not. For the path on
/// which the whole buffer was already found not to be.
#[cold]
pub fn accessible_bytes(memory: &impl UserMemory, address: UserAddress, len_bytes: usize) -> usize {
    // The bytes of a prefix are all accessible, or this prefix is too long: bisect.
    let (mut good, mut bad) = (0, len_bytes);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if memory.slice(address, middle).is_ok() {
            good = middle;
        } else {
            bad = middle;
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn stops_at_the_end_of_memory() {
        let memory = FakeMemory::new(100);
        for len_bytes in [41, 42, 1000, usize::MAX] {
            assert_eq!(accessible_bytes(&memory, memory.address(60), len_bytes), 40);
        }
        assert_eq!(accessible_bytes(&memory, memory.end(), 1), 0);
        assert_eq!(accessible_bytes(&memory, UserAddress(usize::MAX), 10), 0);
        assert_eq!(accessible_bytes(&memory, UserAddress::NULL, 0), 0);
    }
}
