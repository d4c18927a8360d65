//! What an image hands out when its program has ended: the table that its kernel left in memory, read and checked. A program
//! may have written over it, so nothing in it is believed: addresses must be memory, and names must be names.

use std::collections::BTreeMap;
use std::rc::Rc;

use kernel_fragments::boot_info::ExportedFile;

use super::EngineError;
use crate::address::Address;
use crate::image::ImageNote;
use crate::machine::Machine;

/// The memory of a machine that has stopped.
pub(super) trait StoppedMemory {
    /// Copies RAM at `address` into `buffer`; false unless all of it is RAM.
    fn read(&self, address: Address, buffer: &mut [u8]) -> bool;
}

impl StoppedMemory for Machine {
    fn read(&self, address: Address, buffer: &mut [u8]) -> bool {
        self.read_memory(address, buffer)
    }
}

/// A file that was handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// Which path of the image's note asked for it: its index.
    pub request: usize,
    /// Its names below that path, of which none is empty, `.`, `..` or has a slash or a NUL; none for that path itself.
    pub path: Vec<Vec<u8>>,
    /// Permission bits.
    pub mode: u32,
    /// What it is.
    pub kind: ExportedKind,
}

/// The kinds of file that are handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportedKind {
    /// There is nothing of that name.
    Missing,
    /// A regular file with its contents, piece by piece; what lies at the same place in memory is shared.
    Regular(Vec<Rc<[u8]>>),
    /// A directory; what is in it follows.
    Directory,
    /// A symbolic link and where it leads.
    Symlink(Rc<[u8]>),
    /// Something that has no contents, such as a device.
    Other,
}

/// An [`ExportedFile`] as words.
const WORDS: usize = size_of::<ExportedFile>() / 8;

/// What the table at `table` names, or `None` if the kernel did not fill it: then it stopped the run.
///
/// # Errors
/// A table that leads out of memory or names what is no file name.
pub(super) fn collect(
    memory: &dyn StoppedMemory,
    note: &ImageNote,
    table: Address,
) -> Result<Option<Vec<Exported>>, EngineError> {
    let memory_bytes = note.ram.iter().map(|memory| memory.range().size().0).sum();
    let mut reader = Reader { memory, left_bytes: memory_bytes, known: BTreeMap::new() };
    reader.table(table).ok_or(EngineError::Exports)
}

/// Reads the machine's memory, at most as much as there is.
struct Reader<'a> {
    memory: &'a dyn StoppedMemory,
    /// How many bytes may still be read: what a kernel hands out lies in memory once.
    left_bytes: u64,
    known: BTreeMap<(u64, u64), Rc<[u8]>>,
}

impl Reader<'_> {
    fn table(&mut self, table: Address) -> Option<Option<Vec<Exported>>> {
        let [address, count] = self.words(table.0)?;
        if count == 0 {
            return Some(None);
        }
        let mut files = Vec::new();
        for index in 0..count {
            let at = address.checked_add(index.checked_mul(8 * WORDS as u64)?)?;
            self.entry(at, &mut files)?;
        }
        Some(Some(files))
    }

    /// Appends what the entry at `address` names to `files`, or to the last of them.
    fn entry(&mut self, address: u64, files: &mut Vec<Exported>) -> Option<()> {
        let [request, kind, path, path_bytes, mode, contents, contents_bytes]: [u64; WORDS] = self.words(address)?;
        if kind == ExportedFile::MORE {
            let ExportedKind::Regular(pieces) = &mut files.last_mut()?.kind else { return None };
            pieces.push(self.bytes(contents, contents_bytes)?);
            return Some(());
        }
        let path = self.bytes(path, path_bytes)?;
        let path: Vec<Vec<u8>> = match &*path {
            [] => Vec::new(),
            path => path.split(|&byte| byte == b'/').map(<[u8]>::to_vec).collect(),
        };
        if path.iter().any(|name| matches!(name.as_slice(), b"" | b"." | b"..") || name.contains(&0)) {
            return None;
        }
        let kind = match kind {
            ExportedFile::MISSING => ExportedKind::Missing,
            ExportedFile::REGULAR => ExportedKind::Regular(vec![self.bytes(contents, contents_bytes)?]),
            ExportedFile::DIRECTORY => ExportedKind::Directory,
            ExportedFile::SYMLINK => ExportedKind::Symlink(self.bytes(contents, contents_bytes)?),
            ExportedFile::OTHER => ExportedKind::Other,
            _ => return None,
        };
        files.push(Exported { request: usize::try_from(request).ok()?, path, mode: mode as u32 & 0o7777, kind });
        Some(())
    }

    fn bytes(&mut self, address: u64, len_bytes: u64) -> Option<Rc<[u8]>> {
        if len_bytes == 0 {
            return Some(Rc::new([]));
        }
        if let Some(known) = self.known.get(&(address, len_bytes)) {
            return Some(known.clone());
        }
        self.left_bytes = self.left_bytes.checked_sub(len_bytes)?;
        let mut bytes = vec![0; usize::try_from(len_bytes).ok()?];
        if !self.memory.read(Address(address), &mut bytes) {
            return None;
        }
        let bytes: Rc<[u8]> = bytes.into();
        self.known.insert((address, len_bytes), bytes.clone());
        Some(bytes)
    }

    fn words<const N: usize>(&mut self, address: u64) -> Option<[u64; N]> {
        let mut bytes = [0; 8];
        let mut words = [0; N];
        for (index, word) in words.iter_mut().enumerate() {
            let at = address.checked_add(8 * index as u64)?;
            if !self.memory.read(Address(at), &mut bytes) {
                return None;
            }
            *word = u64::from_le_bytes(bytes);
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{AddressRange, ByteCount};
    use crate::machine::MachineConfig;

    const BASE: u64 = 0x8000_0000;
    const SIZE: u64 = 0x1000;

    /// What is found in a memory that begins with these words, the table first, and has `text` at 0x800.
    fn found(words: &[u64], text: &[u8]) -> Option<Option<Vec<Exported>>> {
        let ram = AddressRange::new(Address(BASE), ByteCount(SIZE)).unwrap();
        let config = MachineConfig { ram: vec![ram], entry: Address(BASE), ..MachineConfig::default() };
        let mut machine = Machine::new(&config).unwrap();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert!(machine.load(Address(BASE), &bytes) && machine.load(Address(BASE + 0x800), text));
        let mut reader = Reader { memory: &machine, left_bytes: SIZE, known: BTreeMap::new() };
        reader.table(Address(BASE))
    }

    fn one(kind: u64, path_bytes: u64, contents: u64, contents_bytes: u64) -> [u64; 9] {
        [BASE + 16, 1, 0, kind, BASE + 0x800, path_bytes, 0o644, contents, contents_bytes]
    }

    #[test]
    fn a_table_that_was_not_filled_is_none() {
        assert_eq!(found(&[0, 0], b""), Some(None));
    }

    #[test]
    fn a_file_has_names_and_contents() {
        let file = found(&one(ExportedFile::REGULAR, 3, BASE + 0x804, 5), b"a/b hello").unwrap().unwrap();
        let path = vec![b"a".to_vec(), b"b".to_vec()];
        let kind = ExportedKind::Regular(vec![Rc::from(&b"hello"[..])]);
        assert_eq!(file, [Exported { request: 0, path, mode: 0o644, kind }]);
    }

    #[test]
    fn pieces_belong_to_the_file_before() {
        let piece = [0, ExportedFile::MORE, 0, 0, 0, BASE + 0x802, 3];
        let table = |kind| [&[BASE + 16, 2, 0, kind, 0, 0, 0o644, BASE + 0x800, 2][..], &piece].concat();
        let files = found(&table(ExportedFile::REGULAR), b"hello").unwrap().unwrap();
        let kind = ExportedKind::Regular(vec![Rc::from(&b"he"[..]), Rc::from(&b"llo"[..])]);
        assert_eq!(files, [Exported { request: 0, path: Vec::new(), mode: 0o644, kind }]);
        assert_eq!(found(&table(ExportedFile::SYMLINK), b"hello"), None);
        assert_eq!(found(&[&[BASE + 16, 1][..], &piece].concat(), b"hello"), None);
    }

    #[test]
    fn what_leads_out_of_memory_or_is_no_name_is_refused() {
        for path in [&b"../x"[..], b"/x/y", b"x//y", b"x/./", b"x\0yz"] {
            assert_eq!(found(&one(ExportedFile::DIRECTORY, 4, 0, 0), path), None, "{path:?}");
        }
        for (address, len_bytes) in [(0, 1), (BASE + SIZE - 1, 2), (BASE, u64::MAX), (u64::MAX, 2), (BASE, SIZE + 1)] {
            assert_eq!(found(&one(ExportedFile::REGULAR, 1, address, len_bytes), b"x"), None);
        }
        assert_eq!(found(&one(9, 1, 0, 0), b"x"), None);
        assert_eq!(found(&[BASE, u64::MAX], b""), None);
        assert_eq!(found(&[u64::MAX - 8, 2], b""), None);
    }
}
