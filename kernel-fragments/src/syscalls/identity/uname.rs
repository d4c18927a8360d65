//! `uname(2)`: <https://man7.org/linux/man-pages/man2/uname.2.html>. Supported: everything. Errors: EFAULT.

use crate::errno::SysResult;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(160 => uname);

/// Bytes of each field of `struct utsname`, its terminating zero included.
const FIELD_BYTES: usize = 65;
/// System, node, release, version, machine, domain. The release is that of the Linux whose behaviour is followed.
const FIELDS: [&str; 6] = ["Linux", "zeroos", "6.12.0", "#1 zeroos", "riscv64", "(none)"];

/// Stores the system's names at `address`.
pub fn uname(memory: &mut impl UserMemory, address: UserAddress) -> SysResult {
    let names = memory.slice_mut(address, FIELDS.len() * FIELD_BYTES)?;
    names.fill(0);
    for (field, text) in names.chunks_exact_mut(FIELD_BYTES).zip(FIELDS) {
        for (to, from) in field.iter_mut().zip(text.bytes()) {
            *to = from;
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn terminated_fields() {
        let mut memory = FakeMemory::new(390);
        memory.put(0, &[1; 390]);
        let at = memory.address(0);
        assert_eq!(uname(&mut memory, at), Ok(0));
        assert_eq!(memory.bytes(0, 7), b"Linux\0\0");
        assert_eq!(memory.bytes(4 * 65, 8), b"riscv64\0");
        assert_eq!(uname(&mut memory, at.add(1)), Err(Errno::EFAULT.into()));
    }
}
