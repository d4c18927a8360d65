//! `sendfile(2)`: <https://man7.org/linux/man-pages/man2/sendfile.2.html>. Supported: from files and memory devices to
//! whatever Linux has a `splice_write` for. Errors: EFAULT, EBADF, ESPIPE, EINVAL, EAGAIN, EPIPE, ENOSPC.

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::abi::open_flags::O_APPEND;
use crate::abi::stat::{S_IFDIR, S_IFIFO, S_IFMT, S_IFSOCK};
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::{READS, WRITES};
use crate::subsystems::transfer::check_span;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec;

syscall!(71 => sendfile);

/// Bytes that are moved at once.
const CHUNK_BYTES: usize = 4096;

/// Copies up to `len_bytes` bytes from `from` to `to`: from the offset stored at `offset`, which then moves on, or from
/// the file's position if that is null.
pub fn sendfile(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    to: Fd,
    from: Fd,
    offset: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let stored = if offset.is_null() { None } else { Some(memory.read_u64(offset)?) };
    let from = descriptors.readable(from)?.clone();
    if stored.is_some() && !from.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let start = stored.unwrap_or(from.offset.get());
    let len_bytes = len_bytes.min(MAX_TRANSFER_BYTES);
    check_span(start, len_bytes)?;
    let to = descriptors.writable(to)?.clone();
    let kind = from.file.stat().mode & S_IFMT;
    if to.flags.get() & O_APPEND != 0 || matches!(kind, S_IFIFO | S_IFSOCK) {
        return Err(Errno::EINVAL.into());
    }
    // fs/splice.c, do_splice_read: found out when there is something to do.
    let cannot_read = !from.file.is_seekable() || kind == S_IFDIR || from.file.splices() & READS == 0;
    if len_bytes > 0 && cannot_read {
        return Err(Errno::EINVAL.into());
    }
    let mut chunk = vec![0; len_bytes.min(CHUNK_BYTES)];
    let mut done = 0;
    while done < len_bytes {
        let wanted_bytes = (len_bytes - done).min(CHUNK_BYTES);
        let Some(buffer) = chunk.get_mut(..wanted_bytes) else { break };
        let read_bytes = from.file.read(platform, start + done as u64, buffer)?;
        let Some(bytes) = chunk.get(..read_bytes).filter(|bytes| !bytes.is_empty()) else { break };
        if to.file.splices() & WRITES == 0 {
            return Err(Errno::EINVAL.into());
        }
        let result = to.file.write(platform, to.offset.get(), bytes);
        match to.without_waiting(result, read_bytes) {
            Ok(written_bytes) => {
                to.offset.set(to.offset.get() + written_bytes as u64);
                done += written_bytes;
                if written_bytes < read_bytes {
                    break;
                }
            }
            Err(refusal) if done == 0 => return Err(refusal),
            Err(_) => break,
        }
    }
    match stored {
        Some(_) => memory.write_u64(offset, start + done as u64)?,
        None => from.offset.set(start + done as u64),
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::devices::DeviceFile;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Device, Kind};
    use crate::subsystems::open_file::{File, OpenFile};
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;

    #[test]
    fn copies_from_file_to_console() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(64), Descriptors::new(), FileTree::new());
        let mut platform = FakePlatform::new();
        let mut open = |flags| {
            let node = tree.new_node(Kind::Regular(Contents::committed(&[b'x'; 5000])), 0);
            descriptors.insert(OpenFile::new(Box::new(TreeFile(node)), flags), false, 0).expect("there is room")
        };
        let (file, appending) = (open(O_RDWR), open(O_RDWR | O_APPEND));
        let at = memory.put(0, &u64::to_le_bytes(4990));
        let mut call =
            |to, from, offset| sendfile(&mut memory, &mut descriptors, &mut platform, to, from, offset, 9000);
        assert_eq!(call(Fd(1), file, at), Ok(10));
        assert_eq!(call(Fd(1), file, at), Ok(0));
        assert_eq!(call(Fd(1), file, UserAddress::NULL), Ok(5000));
        assert_eq!(call(Fd(1), file, UserAddress::NULL), Ok(0));
        assert_eq!(call(Fd(1), file, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(call(Fd(0), file, UserAddress::NULL), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), Fd(1), UserAddress::NULL), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), Fd(0), UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(1), Fd(0), at), Err(Errno::ESPIPE.into()));
        assert_eq!(call(appending, file, UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert_eq!(platform.output.len(), 5010);
    }

    /// Found by comparing random sequences with Linux.
    #[test]
    fn moves_nothing_where_linux_has_no_function_for_it() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(64), Descriptors::new(), FileTree::new());
        let mut platform = FakePlatform::new();
        let mut insert =
            |file: Box<dyn File>| descriptors.insert(OpenFile::new(file, O_RDWR), false, 0).expect("there is room");
        let mut node = |kind| tree.new_node(kind, 0);
        let mut device = |device| DeviceFile { device, node: node(Kind::Device(device)) };
        let (null, full) = (insert(Box::new(device(Device::Null))), insert(Box::new(device(Device::Full))));
        let counter = insert(Box::new(EventCounter::new(0, false)));
        let file = insert(Box::new(TreeFile(node(Kind::Regular(Contents::committed(&[1; 64]))))));
        let empty = insert(Box::new(TreeFile(node(Kind::Regular(Contents::empty())))));
        let mut call = |to, from, len_bytes| {
            sendfile(&mut memory, &mut descriptors, &mut platform, to, from, UserAddress::NULL, len_bytes)
        };
        assert_eq!((call(null, null, 8), call(null, null, 0)), (Err(Errno::EINVAL.into()), Ok(0)));
        assert_eq!((call(counter, file, 8), call(counter, file, 0)), (Err(Errno::EINVAL.into()), Ok(0)));
        assert_eq!((call(counter, empty, 8), call(full, file, 8)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!((call(null, file, 8), call(null, full, 8)), (Ok(8), Ok(8)));
        assert_eq!((call(null, counter, 0), call(null, counter, 8)), (Ok(0), Err(Errno::EINVAL.into())));
    }
}
