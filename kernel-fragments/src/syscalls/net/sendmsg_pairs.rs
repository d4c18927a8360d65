//! `sendmsg(2)`: <https://man7.org/linux/man-pages/man2/send.2.html>, where there may be pairs. Supported: pairs of `socketpair`,
//! MSG_DONTWAIT, MSG_NOSIGNAL, MSG_EOR, MSG_MORE; not supported: ancillary data, sending to an address, MSG_OOB. Errors: EBADF,
//! ENOTSOCK, ENOTCONN, EISCONN, EOPNOTSUPP, EINVAL, EFAULT, EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED, EMSGSIZE, ENOBUFS, EINTR.

use crate::abi::message::Message;
use crate::errno::Refusal;
use crate::outcome::Outcome;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::socket_transfer::send;
use crate::subsystems::sockets::{Socket, has_address, refuse_sending, socket_of};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(211 => sendmsg, paired_sockets);

/// Bytes of a `struct cmsghdr`: less is no ancillary data.
const CONTROL_BYTES: usize = 16;

/// Sends the message at `message` by socket `fd`.
pub fn sendmsg(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    message: UserAddress,
    flags: u32,
) -> Outcome {
    let open = descriptors.get(fd)?;
    let socket = socket_of(open)?;
    let message = Message::read(memory, message)?;
    let has_address = has_address(memory, message.name, message.name_bytes)?;
    match socket {
        Socket::Alone(socket) => Err(refuse_sending(socket, has_address)),
        Socket::Paired(_) if message.control_bytes >= CONTROL_BYTES => {
            Err(Refusal::Unsupported("sending ancillary data"))
        }
        Socket::Paired(socket) => {
            let argument = fd.0 as u64;
            send(memory, signals, threads, thread, argument, open, socket, &message.buffers, has_address, flags)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use crate::syscalls::net::recvmsg_pairs::recvmsg;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn one_message_of_two_buffers() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        let at = machine.memory.address(0);
        assert_eq!(socketpair(&mut machine.memory, &mut descriptors, 1, 2, 0, at), Ok(0));
        let (first, second) = (machine.memory.put(512, b"abc").0 as u64, machine.memory.put(600, b"de").0 as u64);
        let list = machine.memory.put(256, &[first, 3, second, 2].map(u64::to_le_bytes).concat()).0 as u64;
        let message = machine.memory.put(0, &[0, 0, list, 2, 7, 0, 0].map(u64::to_le_bytes).concat());
        let mut sends = |machine: &mut ThreadMachine, descriptors: &mut Descriptors| {
            machine.call(|m, thread| {
                sendmsg(&mut m.memory, descriptors, &mut signals, &mut m.threads, thread, Fd(3), message, 0)
            })
        };
        assert_eq!(sends(&mut machine, &mut descriptors), Step::Returned(5));
        machine.memory.put(40, &16u64.to_le_bytes());
        let stop = sends(&mut machine, &mut descriptors);
        assert_eq!(stop, Step::Stopped(Stop::Unsupported("sending ancillary data")));
        machine.memory.put(264, &1u64.to_le_bytes());
        machine.memory.put(512, b"....");
        machine.memory.put(600, b"..");
        let step = machine
            .call(|m, thread| recvmsg(&mut m.memory, &mut descriptors, &mut m.threads, thread, Fd(4), message, 0x20));
        assert_eq!(step, Step::Returned(5), "as long as the message");
        assert_eq!((machine.memory.bytes(512, 2), machine.memory.bytes(600, 2)), (&b"a."[..], &b"bc"[..]));
        assert_eq!((machine.memory.bytes(40, 1), machine.memory.bytes(48, 1)), (&[0][..], &[0x20][..]));
    }
}
