//! Moving bytes inside the program's own memory between two lists of buffers, as `process_vm_readv(2)` and its counterpart
//! do it for the process that calls them (mm/process_vm_access.c).

use crate::abi::iovec::{IoVector, MAX_TRANSFER_BYTES, check_list};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::buffer::accessible_bytes;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes that are moved at once.
const CHUNK_BYTES: usize = 512;

/// A list of buffers: where it is, and how many elements it has.
pub type List = (UserAddress, u64);

/// Where a list has got to.
struct Cursor {
    list: List,
    index: u32,
    /// Of its current buffer, what is left.
    rest: IoVector,
}

impl Cursor {
    /// The start of `list`, and how many bytes it holds.
    ///
    /// # Errors
    /// EINVAL, EFAULT: it is no list.
    fn new(memory: &impl UserMemory, list: List) -> Result<(Cursor, usize), Errno> {
        let count = u32::try_from(list.1).unwrap_or(u32::MAX);
        check_list(memory, list.0, count)?;
        let mut total_bytes = 0usize;
        for index in 0..count {
            total_bytes = total_bytes.saturating_add(IoVector::read(memory, list.0, index)?.len_bytes);
        }
        let rest = IoVector { address: UserAddress::NULL, len_bytes: 0 };
        Ok((Cursor { list, index: 0, rest }, total_bytes.min(MAX_TRANSFER_BYTES)))
    }

    /// What is left of the first buffer that is not done; `None` behind the last.
    fn current(&mut self, memory: &impl UserMemory) -> Result<Option<IoVector>, Errno> {
        while self.rest.len_bytes == 0 {
            if u64::from(self.index) == self.list.1 {
                return Ok(None);
            }
            self.rest = IoVector::read(memory, self.list.0, self.index)?;
            self.index += 1;
        }
        Ok(Some(self.rest))
    }

    fn advance(&mut self, len_bytes: usize) {
        self.rest = IoVector { address: self.rest.address.add(len_bytes), len_bytes: self.rest.len_bytes - len_bytes };
    }
}

/// Moves bytes between the buffers of `own` and those of `others`, which lie in process `pid`: to the first if `reads`.
/// Returns how many were moved before one list ended or something was no memory.
///
/// # Errors
/// EINVAL: flags, or no list. EFAULT: a list or the first buffers are no memory. ESRCH: no such process. Unsupported:
/// another one.
pub fn move_bytes(
    memory: &mut impl UserMemory,
    thread: &Thread,
    pid: i32,
    (own, others): (List, List),
    flags: u64,
    reads: bool,
) -> SysResult {
    if flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (own, own_bytes) = Cursor::new(memory, own)?;
    if own_bytes == 0 {
        return Ok(0);
    }
    let (others, other_bytes) = Cursor::new(memory, others)?;
    if other_bytes == 0 {
        return Ok(0);
    }
    match pid.cast_unsigned() {
        PROCESS_ID => {}
        tid if tid == thread.tid => {}
        _ if pid <= 0 => return Err(Errno::ESRCH.into()),
        _ => return Err(Refusal::Unsupported("the memory of another thread or process")),
    }
    let (mut from, mut to) = if reads { (others, own) } else { (own, others) };
    let (mut done, limit) = (0, own_bytes.min(other_bytes));
    while done < limit {
        let (Some(source), Some(target)) = (from.current(memory)?, to.current(memory)?) else { break };
        let wanted_bytes = source.len_bytes.min(target.len_bytes).min(CHUNK_BYTES).min(limit - done);
        let usable_bytes = match memory.slice(source.address, wanted_bytes) {
            Ok(bytes) => bytes.len(),
            Err(_) => accessible_bytes(memory, source.address, wanted_bytes),
        };
        let mut chunk = [0; CHUNK_BYTES];
        let chunk = chunk.get_mut(..usable_bytes).unwrap_or_default();
        chunk.copy_from_slice(memory.slice(source.address, usable_bytes)?);
        let moved_bytes = store(memory, target.address, chunk);
        done += moved_bytes;
        if moved_bytes < wanted_bytes {
            break;
        }
        from.advance(moved_bytes);
        to.advance(moved_bytes);
    }
    if done == 0 { Err(Errno::EFAULT.into()) } else { Ok(done) }
}

/// Stores as many of `bytes` at `address` as can be; returns how many.
fn store(memory: &mut impl UserMemory, address: UserAddress, bytes: &[u8]) -> usize {
    if memory.write(address, bytes).is_ok() {
        return bytes.len();
    }
    let is_stored = |(index, byte): (usize, &u8)| memory.write(address.add(index), &[*byte]).is_ok();
    bytes.iter().enumerate().map(is_stored).take_while(|&is_stored| is_stored).count()
}
