//! The tables and texts that a [`BootInfo`] names, as slices. The only file about files that needs `unsafe`.
#![allow(unsafe_code)]

use crate::boot_info::{BootInfo, CommittedFile, Text};
use core::slice;

/// The files given at build, sorted by path.
pub fn committed_files(boot: &BootInfo) -> &'static [CommittedFile] {
    if boot.files.count == 0 {
        return &[];
    }
    // SAFETY: the builder laid out `count` records there, aligned to 8, in memory of the image that nobody writes and
    // that lasts as long as the run; a `BootInfo` is made by nobody else (host tests leak what theirs points to).
    unsafe { slice::from_raw_parts(boot.files.address as *const CommittedFile, boot.files.count as usize) }
}

/// The bytes of a text of the image.
pub fn bytes(text: Text) -> &'static [u8] {
    if text.len_bytes == 0 {
        return &[];
    }
    // SAFETY: as above, for `len_bytes` bytes.
    unsafe { slice::from_raw_parts(text.address as *const u8, text.len_bytes as usize) }
}

/// What a builder would lay out for files of these paths, contents and modes; leaked.
#[cfg(test)]
pub fn boot_with(files: &[(&str, &str, u32)]) -> BootInfo {
    use crate::boot_info::Table;
    use alloc::borrow::ToOwned;
    use alloc::vec::Vec;

    let leak = |text: &str| {
        let bytes = text.as_bytes().to_owned().leak();
        Text { address: bytes.as_ptr() as u64, len_bytes: bytes.len() as u64 }
    };
    let mut files: Vec<_> = files.to_owned();
    files.sort_unstable();
    let table: Vec<CommittedFile> = files
        .iter()
        .map(|(path, contents, mode)| CommittedFile {
            path: leak(path),
            contents: leak(contents),
            mode: u64::from(*mode),
        })
        .collect();
    let table = table.leak();
    BootInfo {
        files: Table { address: table.as_ptr() as u64, count: table.len() as u64 },
        executable_path: leak("/bin/program"),
        start_time_ns: 1_000_000_000,
        ..BootInfo::default()
    }
}
