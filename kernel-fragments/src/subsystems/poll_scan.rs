//! What `ppoll` finds on the descriptors that it is given, whether or not it can wait.

use crate::abi::pollfd::{POLLFD_BYTES, POLLNVAL, PollFd, UNASKED};
use crate::errno::Errno;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

/// Checks the list of `count` elements at `list`: EINVAL if no such number of descriptors can be open, EFAULT.
pub fn check_list(
    memory: &impl UserMemory,
    descriptors: &Descriptors,
    list: UserAddress,
    count: u32,
) -> Result<(), Errno> {
    if count as usize > descriptors.limit() {
        return Err(Errno::EINVAL);
    }
    memory.slice(list, count as usize * POLLFD_BYTES).map(|_| ())
}

/// The element with number `index`; EFAULT.
pub fn element(memory: &impl UserMemory, list: UserAddress, index: usize) -> Result<PollFd, Errno> {
    Ok(PollFd::decode(memory.read_u64(list.add(index * POLLFD_BYTES))?))
}

/// Stores for each element what is ready at `now_ns` since boot, and returns for how many something is; EFAULT.
pub fn scan(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    now_ns: u64,
    list: UserAddress,
    count: u32,
) -> Result<usize, Errno> {
    let mut ready_count = 0;
    for index in 0..count as usize {
        let element = element(memory, list, index)?;
        let answer = match element.fd.0 {
            ..0 => 0,
            _ => match descriptors.get(element.fd) {
                Ok(open) => {
                    open.file.pass_time(now_ns);
                    open.file.ready() & (element.events | UNASKED)
                }
                Err(_) => POLLNVAL,
            },
        };
        ready_count += usize::from(answer != 0);
        memory.write_u64(list.add(index * POLLFD_BYTES), element.encode(answer))?;
    }
    Ok(ready_count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::pollfd::{POLLERR, POLLIN, POLLOUT};
    use crate::register::Fd;
    use crate::testing::FakeMemory;

    #[test]
    fn standard_streams() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        for (index, (fd, events)) in [(0, POLLIN), (1, POLLIN | POLLOUT), (-1, 0xffff), (3, 0)].into_iter().enumerate()
        {
            memory.put(8 * index, &PollFd { fd: Fd(fd), events }.encode(POLLERR).to_le_bytes());
        }
        let list = memory.address(0);
        assert_eq!(check_list(&memory, &descriptors, list, 4), Ok(()));
        assert_eq!(check_list(&memory, &descriptors, list, 9), Err(Errno::EFAULT));
        assert_eq!(check_list(&memory, &descriptors, list, 1025), Err(Errno::EINVAL));
        assert_eq!(scan(&mut memory, &mut descriptors, 0, list, 4), Ok(3));
        let answers = [0, 1, 2, 3].map(|index| memory.bytes(8 * index + 6, 1)[0]);
        assert_eq!(answers, [POLLIN as u8, POLLOUT as u8, 0, POLLNVAL as u8]);
    }
}
