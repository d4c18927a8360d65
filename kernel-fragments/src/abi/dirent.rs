//! `struct linux_dirent64` (include/linux/dirent.h): what `getdents64` writes.

use crate::abi::stat::S_IFMT;
use alloc::vec::Vec;

/// Bytes before the name.
const HEADER_BYTES: usize = 19;

/// Bytes that the entry for a name of `name_bytes` takes, its terminating zero and padding included.
pub const fn entry_bytes(name_bytes: usize) -> usize {
    (HEADER_BYTES + name_bytes + 1).next_multiple_of(8)
}

/// Appends an entry to `to`. `next` is the position behind it, `mode` the file's.
pub fn append(to: &mut Vec<u8>, inode: u64, next: u64, mode: u32, name: &[u8]) {
    let start = to.len();
    let len_bytes = entry_bytes(name.len());
    to.extend_from_slice(&inode.to_le_bytes());
    to.extend_from_slice(&next.to_le_bytes());
    to.extend_from_slice(&(len_bytes as u16).to_le_bytes());
    to.push(((mode & S_IFMT) >> 12) as u8); // DT_… are the kinds of st_mode, moved down
    to.extend_from_slice(name);
    to.resize(start + len_bytes, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::stat::S_IFDIR;

    #[test]
    fn entries_are_padded() {
        let mut bytes = Vec::new();
        append(&mut bytes, 3, 1, S_IFDIR, b".");
        assert_eq!(bytes, [3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 24, 0, 4, b'.', 0, 0, 0, 0]);
        append(&mut bytes, 9, 2, 0, b"empty");
        assert_eq!(bytes.len(), 24 + 32);
    }
}
