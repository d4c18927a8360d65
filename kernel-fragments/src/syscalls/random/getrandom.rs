//! `getrandom(2)`: <https://man7.org/linux/man-pages/man2/getrandom.2.html>. Supported: everything; the numbers follow from
//! the committed seed. Errors: EINVAL, EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::random::RandomStream;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(278 => getrandom);

const GRND_NONBLOCK: u32 = 1;
const GRND_RANDOM: u32 = 2;
const GRND_INSECURE: u32 = 4;
/// Most bytes a call moves (include/linux/fs.h, MAX_RW_COUNT).
const MOST_BYTES: usize = 0x7fff_f000;

/// Fills the `len_bytes` bytes at `address`, or as many of them as there is memory; returns how many.
pub fn getrandom(
    memory: &mut impl UserMemory,
    random: &mut RandomStream,
    boot: &BootInfo,
    address: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    if flags & !(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) != 0
        || flags & (GRND_RANDOM | GRND_INSECURE) == GRND_RANDOM | GRND_INSECURE
    {
        return Err(Errno::EINVAL.into());
    }
    let len_bytes = len_bytes.min(MOST_BYTES);
    if let Ok(bytes) = memory.slice_mut(address, len_bytes) {
        random.fill(boot.seed, bytes);
        return Ok(len_bytes);
    }
    let mut done = 0;
    while done < len_bytes
        && let Ok(byte) = memory.slice_mut(address.add(done), 1)
    {
        random.fill(boot.seed, byte);
        done += 1;
    }
    if done == 0 { Err(Errno::EFAULT.into()) } else { Ok(done) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn fills_what_there_is() {
        let (mut memory, mut random, boot) = (FakeMemory::new(32), RandomStream::new(), BootInfo::default());
        let (at, near_end) = (memory.address(0), memory.address(24));
        let mut call =
            |memory: &mut FakeMemory, at, len_bytes, flags| getrandom(memory, &mut random, &boot, at, len_bytes, flags);
        assert_eq!(call(&mut memory, at, 16, GRND_NONBLOCK), Ok(16));
        assert_eq!(memory.bytes(0, 4), [0x76, 0xb8, 0xe0, 0xad]);
        assert_eq!(memory.bytes(16, 4), [0; 4]);
        assert_eq!(call(&mut memory, near_end, 16, GRND_RANDOM), Ok(8));
        assert_eq!(call(&mut memory, UserAddress(8), 0, GRND_INSECURE), Ok(0));
        assert_eq!(call(&mut memory, UserAddress(8), 1, 0), Err(Errno::EFAULT.into()));
        for flags in [8, GRND_RANDOM | GRND_INSECURE] {
            assert_eq!(call(&mut memory, UserAddress(8), 1, flags), Err(Errno::EINVAL.into()));
        }
    }
}
