//! `struct msghdr` (include/linux/socket.h, user_msghdr): what `sendmsg` and `recvmsg` are given.

use crate::abi::iovec::{IoVector, MAX_ELEMENTS, check_list};
use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

/// Bytes of one.
const HEADER_BYTES: usize = 56;
/// Bytes of `struct sockaddr_storage`: no address is longer.
pub const MOST_NAME_BYTES: i32 = 128;
/// Where the fields lie.
const NAME_LENGTH: usize = 8;
const CONTROL_LENGTH: usize = 40;
const FLAGS: usize = 48;

/// A message's parts.
pub struct Message {
    /// Where it lies.
    address: UserAddress,
    /// Where an address is, or is to be stored; null for nowhere.
    pub name: UserAddress,
    /// How long it is.
    pub name_bytes: i32,
    /// The buffers.
    pub buffers: Vec<(UserAddress, usize)>,
    /// How long its ancillary data is.
    pub control_bytes: usize,
}

impl Message {
    /// The one at `address`.
    ///
    /// # Errors
    /// EFAULT; EINVAL for the negative length of a name; EMSGSIZE for too many buffers.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<Message, Errno> {
        memory.slice(address, HEADER_BYTES)?;
        let name = UserAddress(memory.read_u64(address)? as usize);
        // net/socket.c, __copy_msghdr.
        let name_bytes = match memory.read_u32(address.add(NAME_LENGTH))?.cast_signed() {
            _ if name.is_null() => 0,
            ..0 => return Err(Errno::EINVAL),
            name_bytes => name_bytes.min(MOST_NAME_BYTES),
        };
        let [list, count] = memory.read_pair(address.add(16))?;
        let list = UserAddress(list as usize);
        let control_bytes = memory.read_u64(address.add(CONTROL_LENGTH))? as usize;
        let count = u32::try_from(count).ok().filter(|&count| count <= MAX_ELEMENTS).ok_or(Errno::EMSGSIZE)?;
        check_list(memory, list, count)?;
        let element = |index| IoVector::read(memory, list, index).map(|element| (element.address, element.len_bytes));
        let buffers = (0..count).map(element).collect::<Result<_, _>>()?;
        Ok(Message { address, name, name_bytes, buffers, control_bytes })
    }

    /// Stores what was received beside the bytes: no address, no ancillary data, and `flags`; EFAULT.
    pub fn store_rest(&self, memory: &mut impl UserMemory, flags: u32) -> Result<(), Errno> {
        if !self.name.is_null() {
            memory.write_u32(self.address.add(NAME_LENGTH), 0)?;
        }
        memory.write_u64(self.address.add(CONTROL_LENGTH), 0)?;
        memory.write_u32(self.address.add(FLAGS), flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn read_and_finished() {
        let mut memory = FakeMemory::new(128);
        let list = memory.put(64, &[5, 6u64].map(u64::to_le_bytes).concat()).0 as u64;
        let at = memory.put(0, &[9, 110, list, 1, 7, 24, 99].map(u64::to_le_bytes).concat());
        let message = Message::read(&memory, at).expect("it is sound");
        assert_eq!((message.name, message.name_bytes, message.control_bytes), (UserAddress(9), 110, 24));
        assert_eq!(message.buffers, [(UserAddress(5), 6)]);
        assert_eq!(message.store_rest(&mut memory, 0x20), Ok(()));
        assert_eq!([8, 40, 48].map(|offset| memory.bytes(offset, 1)[0]), [0, 0, 0x20]);
        memory.put(24, &1025u64.to_le_bytes());
        assert_eq!(Message::read(&memory, at).err(), Some(Errno::EMSGSIZE));
        memory.put(8, &[255; 4]);
        assert_eq!(Message::read(&memory, at).err(), Some(Errno::EINVAL));
        memory.put(24, &1u64.to_le_bytes());
        memory.put(0, &0u64.to_le_bytes());
        assert_eq!(Message::read(&memory, at).map(|message| message.name_bytes).ok(), Some(0), "there is no name");
        memory.put(0, &[9, 129u64].map(u64::to_le_bytes).concat());
        assert_eq!(Message::read(&memory, at).map(|message| message.name_bytes).ok(), Some(128));
        assert_eq!(Message::read(&memory, memory.end()).err(), Some(Errno::EFAULT));
    }
}
