//! The memory of a machine that QEMU plays: a file that QEMU maps, so that what the program left there can still be read when the
//! machine has gone. No monitor is needed for that, and none would do: the board's test finisher ends the process at once.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use object::LittleEndian;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use tempfile::TempDir;

use super::exports::StoppedMemory;
use crate::address::{Address, AddressRange};
use crate::image::ImageNote;

/// Where the memory of QEMU's boards `virt` and `spike` begins (hw/riscv/virt.c, hw/riscv/spike.c).
const DRAM_START: u64 = 0x8000_0000;

/// A folder for the file, gone with this.
pub(super) struct MemoryFile {
    folder: TempDir,
    /// How much memory there is, as the command says it.
    size: String,
}

impl MemoryFile {
    /// For the machine that `arguments` make; `None` if these do not say how much memory it has.
    ///
    /// # Errors
    /// No temporary folder can be made.
    pub fn new(arguments: &[String]) -> std::io::Result<Option<MemoryFile>> {
        let Some([_, size]) = arguments.windows(2).find(|pair| pair[0] == "-m") else { return Ok(None) };
        Ok(Some(MemoryFile { folder: tempfile::tempdir()?, size: size.clone() }))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("memory")
    }

    /// What the command needs beside its own arguments.
    pub fn arguments(&self) -> [String; 4] {
        // A comma in a value is written twice (qemu-options, "-object").
        let path = self.path().display().to_string().replace(',', ",,");
        let backend = format!("memory-backend-file,id=zeroos,size={},mem-path={path},share=on", self.size);
        ["-object".to_owned(), backend, "-machine".to_owned(), "memory-backend=zeroos".to_owned()]
    }

    /// Its contents, at the addresses that the code of `image` sees.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(&self, image: &[u8], note: &ImageNote) -> std::io::Result<OpenedMemory> {
        let file = File::open(self.path())?;
        let seen = note.ram.iter().map(|memory| memory.range()).collect();
        Ok(OpenedMemory { file, seen, shift: shift(image) })
    }
}

/// By how much program headers say that memory lies above where code sees it, where that is not the same (p_paddr, p_vaddr).
fn shift(image: &[u8]) -> u64 {
    let headers = FileHeader64::<LittleEndian>::parse(image).and_then(|file| file.program_headers(LittleEndian, image));
    let shifts = headers.unwrap_or_default().iter().filter(|header| header.p_type(LittleEndian) == PT_LOAD);
    let mut shifts = shifts.map(|header| header.p_paddr(LittleEndian).wrapping_sub(header.p_vaddr(LittleEndian)));
    shifts.find(|&shift| shift != 0).unwrap_or(0)
}

/// The file, opened.
pub(super) struct OpenedMemory {
    file: File,
    /// Memory, as code sees it.
    seen: Vec<AddressRange>,
    /// What code sees below the board's memory lies so much further up.
    shift: u64,
}

impl StoppedMemory for OpenedMemory {
    fn read(&self, address: Address, buffer: &mut [u8]) -> bool {
        let Some(end) = address.0.checked_add(buffer.len() as u64) else { return false };
        if !self.seen.iter().any(|range| range.start().0 <= address.0 && end <= range.end().0) {
            return false;
        }
        let place = if address.0 < DRAM_START { address.0.wrapping_add(self.shift) } else { address.0 };
        let Some(offset) = place.checked_sub(DRAM_START) else { return false };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset)).is_ok() && file.read_exact(buffer).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::address::ByteCount;

    #[test]
    fn the_command_says_how_much() {
        let command = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(MemoryFile::new(&command("-M virt -nographic")).unwrap().is_none());
        let memory = MemoryFile::new(&command("-M virt -m 3G -nographic")).unwrap().unwrap();
        let [_, backend, ..] = memory.arguments();
        assert!(backend.starts_with("memory-backend-file,id=zeroos,size=3G,mem-path="), "{backend}");
    }

    #[test]
    fn only_memory_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let range = |start, size| AddressRange::new(Address(start), ByteCount(size)).unwrap();
        let seen = vec![range(DRAM_START, 4), range(0x1000, 4), range(0x2000, 9)];
        let memory = OpenedMemory { file, seen, shift: DRAM_START + 4 - 0x1000 };
        let read = |address| {
            let mut buffer = [0; 3];
            memory.read(Address(address), &mut buffer).then_some(buffer)
        };
        for (address, expected) in [
            (DRAM_START + 1, Some(*b"123")),
            (DRAM_START + 2, None),
            (0x1001, Some(*b"567")),
            (0x2000, None),
            (0x3000, None),
            (u64::MAX, None),
        ] {
            assert_eq!(read(address), expected, "{address:x}");
        }
    }
}
