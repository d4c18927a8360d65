//! How `capget` and `capset` tell sets of capabilities (include/uapi/linux/capability.h).

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// _LINUX_CAPABILITY_VERSION_1 to _3; the first has 32 capabilities.
const VERSIONS: [u32; 3] = [0x1998_0330, 0x2007_1026, 0x2008_0522];
/// Bytes of an element of the data: effective, permitted and inheritable, of 32 capabilities.
const ELEMENT_BYTES: usize = 12;

/// How many elements of the data the version in the header at `header` has; a header of another version is given the newest.
///
/// # Errors
/// EINVAL: no such version. EFAULT.
pub fn elements(memory: &mut impl UserMemory, header: UserAddress) -> Result<usize, Errno> {
    let version = memory.read_u32(header)?;
    match VERSIONS.iter().position(|&known| known == version) {
        Some(index) => Ok(index.min(1) + 1),
        None => {
            let [_, _, newest] = VERSIONS;
            memory.write_u32(header, newest)?;
            Err(Errno::EINVAL)
        }
    }
}

/// Stores `sets`, effective, permitted and inheritable, as so many elements at `data`.
///
/// # Errors
/// EFAULT.
pub fn store(memory: &mut impl UserMemory, data: UserAddress, elements: usize, sets: [u64; 3]) -> Result<(), Errno> {
    for index in 0..elements {
        let element = data.add(index * ELEMENT_BYTES);
        memory.slice_mut(element, ELEMENT_BYTES)?;
        for (place, set) in sets.into_iter().enumerate() {
            memory.write_u32(element.add(4 * place), (set >> (32 * index)) as u32)?;
        }
    }
    Ok(())
}

/// The sets that are so many elements at `data`.
///
/// # Errors
/// EFAULT.
pub fn load(memory: &impl UserMemory, data: UserAddress, elements: usize) -> Result<[u64; 3], Errno> {
    let mut sets = [0; 3];
    for index in 0..elements {
        for (place, set) in sets.iter_mut().enumerate() {
            let word = memory.read_u32(data.add(index * ELEMENT_BYTES + 4 * place))?;
            *set |= u64::from(word) << (32 * index);
        }
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn round_trip() {
        let mut memory = FakeMemory::new(32);
        let at = memory.address(0);
        for (version, count) in
            [(VERSIONS[0], Ok(1)), (VERSIONS[1], Ok(2)), (VERSIONS[2], Ok(2)), (5, Err(Errno::EINVAL))]
        {
            memory.put(24, &version.to_le_bytes());
            assert_eq!(elements(&mut memory, at.add(24)), count);
        }
        assert_eq!(memory.read_u32(at.add(24)), Ok(VERSIONS[2]));
        let sets = [1 << 40 | 1, 2, 1 << 33];
        assert_eq!(store(&mut memory, at, 2, sets), Ok(()));
        assert_eq!((load(&memory, at, 2), load(&memory, at, 1)), (Ok(sets), Ok([1, 2, 0])));
    }
}
