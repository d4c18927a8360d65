//! `fallocate(2)`: <https://man7.org/linux/man-pages/man2/fallocate.2.html>. Supported: lengthening,
//! FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, as tmpfs has them. Errors: EBADF, EINVAL, EOPNOTSUPP, EFBIG, ESPIPE,
//! ENODEV, ENOSPC.

use crate::abi::stat::{S_IFIFO, S_IFMT};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::note_change_of_contents;
use crate::subsystems::message_queues::is_queue;
use crate::subsystems::node::Kind;

syscall!(47 => fallocate);

const FALLOC_FL_KEEP_SIZE: u32 = 1;
const FALLOC_FL_PUNCH_HOLE: u32 = 2;
/// Every mode that Linux knows.
const KNOWN: u32 = 0x7b;
/// Bytes of zeros written at once.
const CHUNK: [u8; 4096] = [0; 4096];

/// Sees to it that `len_bytes` bytes from `offset` on exist, or are zero (FALLOC_FL_PUNCH_HOLE).
pub fn fallocate(descriptors: &mut Descriptors, fd: Fd, mode: u32, offset: i64, len_bytes: i64) -> SysResult {
    let open = descriptors.get(fd)?;
    if offset < 0 || len_bytes <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let is_known = mode & !KNOWN == 0;
    let is_hole = mode & FALLOC_FL_PUNCH_HOLE != 0;
    // A hole never changes the size (fs/open.c).
    if !is_known || is_hole && mode != FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if !open.is_writable() {
        return Err(Errno::EBADF.into());
    }
    if open.file.stat().mode & S_IFMT == S_IFIFO {
        return Err(Errno::ESPIPE.into());
    }
    if is_queue(open) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let node = open.file.node().ok_or(Errno::ENODEV)?;
    let Kind::Regular(contents) = &node.kind else { return Err(Errno::ENODEV.into()) };
    let end = offset.checked_add(len_bytes).ok_or(Errno::EFBIG)?.cast_unsigned();
    if mode & !(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE) != 0 {
        return Err(Errno::EOPNOTSUPP.into()); // of tmpfs
    }
    let size_bytes = contents.size_bytes() as u64;
    if is_hole {
        let mut at = offset.cast_unsigned();
        while at < end.min(size_bytes) {
            let count = (end.min(size_bytes) - at).min(CHUNK.len() as u64) as usize;
            contents.write(at, CHUNK.get(..count).unwrap_or_default())?;
            at += count as u64;
        }
        node.note_new_contents();
        return Ok(0);
    }
    if mode & FALLOC_FL_KEEP_SIZE == 0 && end > size_bytes {
        contents.truncate(end)?;
    }
    // What has memory can be written without fail.
    if let Err(errno) = contents.reserve(offset as usize, contents.size_bytes().min(end as usize)) {
        contents.truncate(size_bytes)?;
        return Err(errno.into());
    }
    node.note_change();
    note_change_of_contents(node);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR};
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::FakePlatform;
    use alloc::boxed::Box;

    #[test]
    fn lengthens_and_punches() {
        let mut descriptors = Descriptors::new();
        let [read, both] = [O_RDONLY, O_RDWR].map(|flags| open_with(&mut descriptors, b"hello", flags));
        let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
        let counter = descriptors.insert(counter, false, 0).expect("there is room");
        let size = |descriptors: &mut Descriptors| descriptors.get(both).unwrap().file.stat().size_bytes;
        for (fd, mode, offset, len_bytes, result, after) in [
            (both, 0, 2, 6, Ok(0), 8),
            (both, 0, 0, 3, Ok(0), 8),
            (both, 1, 0, 99, Ok(0), 8),
            (both, 3, 1, 99, Ok(0), 8),
            (both, 2, 1, 99, Err(Errno::EOPNOTSUPP), 8),
            (both, 0x10, 1, 99, Err(Errno::EOPNOTSUPP), 8),
            (both, 0x80, 1, 99, Err(Errno::EOPNOTSUPP), 8),
            (both, 0, -1, 9, Err(Errno::EINVAL), 8),
            (both, 0, 0, 0, Err(Errno::EINVAL), 8),
            (both, 0, i64::MAX, 9, Err(Errno::EFBIG), 8),
            (read, 0, 0, 9, Err(Errno::EBADF), 8),
            (Fd(9), 0, 0, 9, Err(Errno::EBADF), 8),
            (Fd(1), 0, 0, 9, Err(Errno::ESPIPE), 8),
            (counter, 0, 0, 9, Err(Errno::ENODEV), 8),
        ] {
            let found = fallocate(&mut descriptors, fd, mode, offset, len_bytes);
            assert_eq!((found, size(&mut descriptors)), (result.map_err(Into::into), after), "{fd:?} {mode} {offset}");
        }
        let mut bytes = [9; 8];
        let file = descriptors.get(both).unwrap();
        assert_eq!(file.file.read(&mut FakePlatform::new(), 0, &mut bytes), Ok(8));
        assert_eq!(&bytes, b"h\0\0\0\0\0\0\0");
    }
}
