//! `ppoll(2)`: <https://man7.org/linux/man-pages/man2/ppoll.2.html>, where only standard streams exist. Supported: everything
//! that is ready at once, and a timeout of 0; not supported: waiting. Errors: EINVAL, EFAULT.

use crate::abi::pollfd::{POLLFD_BYTES, POLLIN, POLLNVAL, POLLOUT, POLLRDNORM, POLLWRNORM, PollFd, UNASKED};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::poll_arguments::{read_signal_mask, read_timeout};
use crate::subsystems::standard_streams::StandardStreams;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(73 => ppoll, console_only);

/// Most descriptors to look at: RLIMIT_NOFILE.
const LIMIT: u32 = 1024;

/// Tells for each of the `count` descriptors listed at `list` what is ready, and returns for how many something is.
pub fn ppoll(
    memory: &mut impl UserMemory,
    streams: &mut StandardStreams,
    list: UserAddress,
    count: u32,
    timeout: UserAddress,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> SysResult {
    let timeout_ns = read_timeout(memory, timeout)?;
    read_signal_mask(memory, signal_mask, signal_mask_bytes)?;
    if count > LIMIT {
        return Err(Errno::EINVAL.into());
    }
    memory.slice(list, count as usize * POLLFD_BYTES)?;
    let mut ready_count = 0;
    for index in 0..count as usize {
        let address = list.add(index * POLLFD_BYTES);
        let element = PollFd::decode(memory.read_u64(address)?);
        let answer = match element.fd.0 {
            ..0 => 0,
            _ => ready(streams, element.fd) & (element.events | UNASKED),
        };
        ready_count += usize::from(answer != 0);
        memory.write_u64(address, element.encode(answer))?;
    }
    if ready_count == 0 && timeout_ns != Some(0) {
        return Err(Refusal::Unsupported("ppoll that waits"));
    }
    Ok(ready_count)
}

/// What is ready on `fd`: a stream never makes a reader or a writer wait.
fn ready(streams: &StandardStreams, fd: Fd) -> u16 {
    if streams.check_input(fd).is_ok() {
        POLLIN | POLLRDNORM
    } else if streams.output(fd).is_ok() {
        POLLOUT | POLLWRNORM
    } else {
        POLLNVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::pollfd::POLLERR;
    use crate::testing::FakeMemory;

    #[test]
    fn standard_streams() {
        let (mut memory, mut streams) = (FakeMemory::new(64), StandardStreams::new());
        for (index, (fd, events)) in [(0, POLLIN), (1, POLLIN | POLLOUT), (-1, 0xffff), (3, 0)].into_iter().enumerate()
        {
            memory.put(8 * index, &PollFd { fd: Fd(fd), events }.encode(POLLERR).to_le_bytes());
        }
        let list = memory.address(0);
        assert_eq!(ppoll(&mut memory, &mut streams, list, 4, UserAddress::NULL, UserAddress::NULL, 0), Ok(3));
        let answers = [0, 1, 2, 3].map(|index| memory.bytes(8 * index + 6, 1)[0]);
        assert_eq!(answers, [POLLIN as u8, POLLOUT as u8, 0, POLLNVAL as u8]);
    }

    /// The answers are those of Linux.
    #[test]
    fn arguments_in_order() {
        let (mut memory, mut streams) = (FakeMemory::new(64), StandardStreams::new());
        let zero = memory.address(0);
        let wrong = memory.put(16, &[[0; 8], 1_000_000_000u64.to_le_bytes()].concat());
        let bad = UserAddress(8);
        let mut call = |list, count, timeout, mask, mask_bytes| {
            ppoll(&mut memory, &mut streams, list, count, timeout, mask, mask_bytes)
        };
        assert_eq!(call(bad, 1, wrong, bad, 8), Err(Errno::EINVAL.into()));
        assert_eq!(call(bad, 1, bad, bad, 9), Err(Errno::EFAULT.into()));
        assert_eq!(call(bad, 1, zero, zero, 9), Err(Errno::EINVAL.into()));
        assert_eq!(call(bad, 1, zero, bad, 8), Err(Errno::EFAULT.into()));
        assert_eq!(call(bad, 2000, zero, zero, 8), Err(Errno::EINVAL.into()));
        assert_eq!(call(bad, 1, zero, zero, 8), Err(Errno::EFAULT.into()));
        assert_eq!(call(bad, 0, zero, zero, 8), Ok(0));
        assert!(matches!(call(bad, 0, UserAddress::NULL, zero, 8), Err(Refusal::Unsupported(_))));
    }
}
