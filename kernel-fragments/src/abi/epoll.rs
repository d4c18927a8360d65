//! `struct epoll_event` of riscv64, where it is not packed, and its bits (include/uapi/linux/eventpoll.h). The low bits
//! are those of `poll(2)`.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of one element: the events, padding, the program's own data.
pub const EPOLL_EVENT_BYTES: usize = 16;

/// Only one waiter is to be woken.
pub const EPOLLEXCLUSIVE: u32 = 1 << 28;
/// The machine is not to sleep meanwhile; it never does.
pub const EPOLLWAKEUP: u32 = 1 << 29;
/// Told once, until it is asked for again.
pub const EPOLLONESHOT: u32 = 1 << 30;
/// Told when something happens, not as long as it holds.
pub const EPOLLET: u32 = 1 << 31;

/// Events and whose they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpollEvent {
    /// What is asked for, or has happened.
    pub events: u32,
    /// What the program gave to know it by.
    pub data: u64,
}

impl EpollEvent {
    /// The element at `address`.
    ///
    /// # Errors
    /// EFAULT.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<EpollEvent, Errno> {
        Ok(EpollEvent { events: memory.read_u32(address)?, data: memory.read_u64(address.add(8))? })
    }

    /// Writes the element to `address`.
    ///
    /// # Errors
    /// EFAULT.
    pub fn write(self, memory: &mut impl UserMemory, address: UserAddress) -> Result<(), Errno> {
        memory.write_u32(address, self.events)?;
        memory.write_u64(address.add(8), self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn is_padded() {
        let mut memory = FakeMemory::new(16);
        let (event, address) = (EpollEvent { events: EPOLLET | 1, data: 0x0102 }, memory.address(0));
        assert_eq!(event.write(&mut memory, address), Ok(()));
        assert_eq!(memory.bytes(0, 16), [1, 0, 0, 128, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(EpollEvent::read(&memory, address), Ok(event));
        assert_eq!(EpollEvent::read(&memory, address.add(1)), Err(Errno::EFAULT));
    }
}
