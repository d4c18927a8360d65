//! The tables and texts that a [`BootInfo`] names, as slices.
#![allow(unsafe_code)]

use crate::boot_info::{BootInfo, CommittedFile, Continuation, NamedAddress, NamedNumber, Segment, Table, Text};
use core::slice;

/// The files given at build, sorted by path.
pub fn committed_files(boot: &BootInfo) -> &'static [CommittedFile] {
    // SAFETY: `files` is a table of these.
    unsafe { elements(boot.files) }
}

/// What the program's segments allow.
pub fn segments(boot: &BootInfo) -> &'static [Segment] {
    // SAFETY: `segments` is a table of these.
    unsafe { elements(boot.segments) }
}

/// Names of the calls this kernel lacks.
pub fn named_numbers(table: Table) -> &'static [NamedNumber] {
    // SAFETY: the builder makes tables of numbers with names in this form only; `BootInfo::missing` is the one there is.
    unsafe { elements(table) }
}

/// Places in the program where the run could stop.
pub fn named_addresses(table: Table) -> &'static [NamedAddress] {
    // SAFETY: as above; `BootInfo::sites` is the one there is.
    unsafe { elements(table) }
}

/// The texts of a table of them.
pub fn texts(table: Table) -> &'static [Text] {
    // SAFETY: the builder makes tables of texts in this form only; `BootInfo::exports` is the one there is.
    unsafe { elements(table) }
}

/// How a thread goes on at `address`, if a call can leave one there.
pub fn continuation(boot: &BootInfo, address: u64) -> Option<u64> {
    // SAFETY: `continuations` is a table of these.
    let known: &[Continuation] = unsafe { elements(boot.continuations) };
    let at = known.binary_search_by_key(&address, |known| known.address).ok()?;
    known.get(at).map(|known| known.code)
}

/// # Safety
/// `table` comes from the builder as a table of `T`: `count` of them lie at its address, aligned to 8, in memory of the
/// image that nobody writes and that lasts as long as the run (host tests leak what theirs points to).
unsafe fn elements<T>(table: Table) -> &'static [T] {
    if table.count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(table.address as *const T, table.count as usize) }
}

/// The bytes of a text of the image.
pub fn bytes(text: Text) -> &'static [u8] {
    if text.len_bytes == 0 {
        return &[];
    }
    // SAFETY: as for `elements`, with `len_bytes` bytes.
    unsafe { slice::from_raw_parts(text.address as *const u8, text.len_bytes as usize) }
}

/// What a builder would lay out for files of these paths, contents and modes; leaked.
#[cfg(test)]
pub fn boot_with(files: &[(&str, &str, u32)]) -> BootInfo {
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

/// What a builder would lay out for these segments; leaked.
#[cfg(test)]
pub fn segments_of(segments: &[Segment]) -> Table {
    let segments = segments.to_vec().leak();
    Table { address: segments.as_ptr() as u64, count: segments.len() as u64 }
}

/// What a builder would lay out for these texts; leaked.
#[cfg(test)]
pub fn texts_of(texts: &[&'static str]) -> Table {
    use alloc::vec::Vec;

    let texts: Vec<Text> =
        texts.iter().map(|text| Text { address: text.as_ptr() as u64, len_bytes: text.len() as u64 }).collect();
    let texts = texts.leak();
    Table { address: texts.as_ptr() as u64, count: texts.len() as u64 }
}

/// What an engine reads of a table that `exports` made.
#[cfg(test)]
pub fn exported(table: Table) -> &'static [crate::boot_info::ExportedFile] {
    // SAFETY: it was made of a leaked vector of these.
    unsafe { elements(table) }
}
