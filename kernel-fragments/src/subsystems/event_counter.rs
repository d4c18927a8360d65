//! The counter behind `eventfd(2)`.

use crate::abi::pollfd::{POLLERR, POLLIN, POLLOUT};
use crate::abi::stat::{ANONYMOUS_DEVICE, Stat};
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::{File, READS};
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// A counter to add to and to take from.
pub struct EventCounter {
    value: Cell<u64>,
    /// How often it was written, and read.
    writes: Cell<u64>,
    reads: Cell<u64>,
    /// Each read takes 1, not all (EFD_SEMAPHORE).
    is_semaphore: bool,
}

impl EventCounter {
    /// A counter that starts at `value`.
    pub fn new(value: u64, is_semaphore: bool) -> EventCounter {
        EventCounter { value: Cell::new(value), writes: Cell::new(0), reads: Cell::new(0), is_semaphore }
    }

    fn set(&self, value: u64, count: &Cell<u64>) {
        self.value.set(value);
        count.set(count.get() + 1);
    }
}

impl File for EventCounter {
    fn takes(&self, operation: u32, len_bytes: usize) -> bool {
        // fs/eventfd.c, eventfd_read and eventfd_write
        if operation == READS { len_bytes >= 8 } else { len_bytes == 8 }
    }

    fn splices(&self) -> u32 {
        0
    }

    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        let place = into.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let value = self.value.get();
        if value == 0 {
            return Err(Errno::EAGAIN.into());
        }
        let taken = if self.is_semaphore { 1 } else { value };
        *place = taken.to_le_bytes();
        self.set(value - taken, &self.reads);
        Ok(8)
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        let added = u64::from_le_bytes(from.try_into().map_err(|_| Errno::EINVAL)?);
        if added == u64::MAX {
            return Err(Errno::EINVAL.into());
        }
        // The counter never reaches the highest value.
        match self.value.get().checked_add(added) {
            Some(sum) if sum < u64::MAX => self.set(sum, &self.writes),
            _ => return Err(Errno::EAGAIN.into()),
        }
        Ok(8)
    }

    fn stat(&self) -> Stat {
        Stat { device: ANONYMOUS_DEVICE, inode: 1, mode: 0o600, links: 1, ..Stat::default() }
    }

    fn kind_name(&self) -> &'static str {
        "eventfd"
    }

    fn ready(&self) -> u16 {
        match self.value.get() {
            0 => POLLOUT,
            u64::MAX => POLLIN | POLLERR,
            value if value == u64::MAX - 1 => POLLIN,
            _ => POLLIN | POLLOUT,
        }
    }

    fn activity(&self) -> u64 {
        self.writes.get() + self.reads.get()
    }

    fn edges(&self) -> [u64; 2] {
        [self.writes.get(), self.reads.get()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakePlatform;

    fn read(counter: &EventCounter, len_bytes: usize) -> Result<u64, Errno> {
        let mut into = vec![0; len_bytes];
        match counter.read(&mut FakePlatform::new(), 0, &mut into) {
            Ok(done) => Ok(u64::from_le_bytes(into[..done].try_into().expect("eight bytes"))),
            Err(refusal) => {
                Err([Errno::EAGAIN, Errno::EINVAL].into_iter().find(|&e| refusal == e.into()).expect("known"))
            }
        }
    }

    fn write(counter: &EventCounter, value: u64) -> SysResult {
        counter.write(&mut FakePlatform::new(), 0, &value.to_le_bytes())
    }

    #[test]
    fn adds_and_takes() {
        let counter = EventCounter::new(3, false);
        assert_eq!((read(&counter, 20), read(&counter, 8)), (Ok(3), Err(Errno::EAGAIN)));
        assert_eq!(write(&counter, u64::MAX), Err(Errno::EINVAL.into()));
        assert_eq!(write(&counter, u64::MAX - 1), Ok(8));
        assert_eq!((write(&counter, 1), counter.ready()), (Err(Errno::EAGAIN.into()), POLLIN));
        assert_eq!(read(&counter, 7), Err(Errno::EINVAL));
        for len_bytes in [7, 9] {
            let result = counter.write(&mut FakePlatform::new(), 0, &vec![0; len_bytes]);
            assert_eq!(result, Err(Errno::EINVAL.into()));
        }
    }

    #[test]
    fn semaphore_takes_one() {
        let counter = EventCounter::new(2, true);
        assert_eq!((read(&counter, 8), read(&counter, 8), read(&counter, 8)), (Ok(1), Ok(1), Err(Errno::EAGAIN)));
        assert_eq!(counter.ready(), POLLOUT);
    }
}
