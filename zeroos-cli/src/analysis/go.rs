//! What a Go program's own tables say of its code: where functions start and end, which addresses only panic recovery
//! enters, which methods only the run-time type tables name. The tables are part of every Go program, stripped or not:
//! the runtime itself walks stacks and builds method tables by them.
//!
//! Recognised by content, never by name: a function table must check out in full, and what it says must agree with the
//! module data that points at it. Layouts: `runtime/symtab.go` (`pcHeader`, `moduledata`), `runtime/runtime2.go`
//! (`_func`), `internal/abi/type.go` (`Method`), Go 1.14 to 1.27. Everything read is bounded by the file.

mod function_data;
mod header;
pub(super) mod liveness;
mod methods;

use crate::address::Address;
use crate::elf::AppElf;

use header::Layout;

/// Whether a program was linked by the Go toolchain.
pub(super) enum GoFile<'a> {
    /// Nothing of Go is in it.
    No,
    /// Go, with tables of a known version.
    Yes(Box<GoTable<'a>>),
    /// Go's build information or function table is there but its tables are not understood: what they would have told
    /// is missing, so nothing may be concluded from code that was not seen.
    Unreadable,
}

/// The function table of a Go program.
pub(super) struct GoTable<'a> {
    elf: &'a AppElf,
    /// The table from its header to the end of the file contents around it.
    bytes: &'a [u8],
    layout: Layout,
    /// Where it lies in memory.
    address: u64,
    /// What offsets of code in type tables count from.
    text: u64,
    /// Entry addresses, ascending.
    starts: Vec<u64>,
    /// Behind the last function.
    end: u64,
    /// Address behind the last byte of the table that the module data or the table itself tells of.
    table_end: u64,
    /// Addresses one of which offsets of names and types count from; empty if no module data was found.
    bases: Vec<u64>,
}

impl<'a> GoFile<'a> {
    /// Reads the tables of `elf`, if it is a Go program.
    pub fn of(elf: &'a AppElf) -> GoFile<'a> {
        let mut suspicion = header::has_build_information(elf);
        for candidate in header::candidates(elf) {
            match GoTable::read(elf, candidate) {
                Some(table) => return GoFile::Yes(Box::new(table)),
                // Four bytes of magic and four of plausible sizes, at an aligned address, are no accident.
                None => suspicion = true,
            }
        }
        if suspicion { GoFile::Unreadable } else { GoFile::No }
    }

    /// Whether `address` lies in the code of a function that the tables name.
    pub fn is_in_functions(&self, address: u64) -> bool {
        self.table().is_some_and(|table| (table.starts[0]..table.end).contains(&address))
    }

    /// The tables, if it is Go and they are understood.
    pub fn table(&self) -> Option<&GoTable<'a>> {
        match self {
            GoFile::Yes(table) => Some(table),
            _ => None,
        }
    }
}

impl<'a> GoTable<'a> {
    fn read(elf: &'a AppElf, address: u64) -> Option<GoTable<'a>> {
        let bytes = elf.bytes_from(Address(address))?;
        let layout = Layout::read(elf, address, bytes)?;
        let module = header::Module::find(elf, address, &layout);
        let text = module.as_ref().map(|module| module.text).or(layout.text);
        let (starts, end) = layout.functions(bytes, if layout.holds_addresses() { 0 } else { text? })?;
        let text = text.unwrap_or(starts[0]);
        // All of it is code of one segment's file contents.
        let (&first, &last) = (starts.first()?, starts.last()?);
        let segment = elf.segment_at(Address(first)).filter(|segment| segment.permissions.execute)?;
        let length = (Address(end) - segment.range.start()).0;
        if end < last || length > segment.file_size.0 || first < text {
            return None;
        }
        let least = address.checked_add(layout.functions_end as u64)?;
        let table_end = module.as_ref().map_or(least, |module| module.table_end.max(least));
        let bases = module.map_or(Vec::new(), |module| module.bases);
        Some(GoTable { elf, bytes, layout, address, text, starts, end, table_end, bases })
    }

    /// Entry addresses of all functions that the Go linker placed, ascending. Padding belongs to the function before.
    pub fn starts(&self) -> &[u64] {
        &self.starts
    }

    /// Behind the last function's code. What lies in `starts()[0]..end()` is Go's; other code (C, with cgo) is not.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Code inside functions that only recovery from a panic enters: the function's entry and the address where
    /// `runtime.recovery` lets it go on (`_func.deferreturn`), ascending. There sp is what it is in the whole body, x27
    /// holds the goroutine, and no other register holds anything the function left in it.
    pub fn resumptions(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.starts.iter().enumerate().filter_map(|(index, &entry)| {
            let offset = self.layout.deferreturn(self.bytes, index).filter(|&offset| offset != 0)?;
            let end = self.starts.get(index + 1).copied().unwrap_or(self.end);
            let address = entry.checked_add(offset.into())?;
            (address < end).then_some((entry, address))
        })
    }

    /// Whether the function table holds `address`: no word of it is a pointer.
    pub fn covers(&self, address: Address) -> bool {
        (self.address..self.table_end).contains(&address.0)
    }

    /// Where records about functions lie that can look like words that hold addresses of code, ascending.
    pub fn function_data(&self) -> Vec<u64> {
        function_data::records(self)
    }

    /// The name that the linker gave the function starting at `entry`, for people only.
    pub fn name(&self, entry: u64) -> Option<&'a str> {
        let index = self.starts.binary_search(&entry).ok()?;
        self.layout.name(self.bytes, index)
    }

    /// Functions that method tables of types name by 32-bit offsets, with the place of the offset: the runtime can call
    /// them through an interface table that it builds while the program runs, or through reflection. Ascending.
    pub fn methods(&self) -> Vec<(u64, Address)> {
        methods::find(self)
    }
}

#[cfg(test)]
mod tests;
