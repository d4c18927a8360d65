//! Where the data that the runtime keeps about functions lies (`_func.funcdata`: stack maps, inlined calls, the function
//! that a wrapper wraps). It stands between the words that hold functions' addresses and can look like one: a wrapper's
//! record is an offset of code, which in programs linked at low addresses is an address. Since Go 1.18.

use super::GoTable;
use super::header::number;
use crate::address::Address;

/// The addresses of all such records, ascending; empty for versions and files of which it is not known.
pub(super) fn records(table: &GoTable<'_>) -> Vec<u64> {
    let Some(base) = base(table) else { return Vec::new() };
    let offsets = (0..table.starts.len()).flat_map(|index| table.layout.function_data(table.bytes, index));
    let mut records: Vec<u64> = offsets.filter_map(|(_, offset)| base.checked_add(offset.into())).collect();
    records.sort_unstable();
    records.dedup();
    records
}

/// What offsets of records count from (`moduledata.gofunc`). Which word of the module data says so depends on the version:
/// it is the one under which nearly all argument maps have the form of one.
fn base(table: &GoTable<'_>) -> Option<u64> {
    /// Functions that are asked.
    const SAMPLE: usize = 256;
    /// `FUNCDATA_ArgsPointerMaps`.
    const ARGUMENT_MAP: usize = 0;
    let sampled = (0..table.starts.len()).step_by(table.starts.len() / SAMPLE + 1);
    let maps = sampled.flat_map(|index| table.layout.function_data(table.bytes, index));
    let maps: Vec<u32> = maps.filter(|&(kind, _)| kind == ARGUMENT_MAP).map(|(_, offset)| offset).collect();
    let fitting = |base: u64| maps.iter().filter(|&&offset| is_map(table, base, offset).unwrap_or(false)).count();
    let (count, base) = table.bases.iter().map(|&base| (fitting(base), base)).max()?;
    (count > 0 && 8 * count >= 7 * maps.len()).then_some(base)
}

/// Whether a stack map can lie there: the number of bitmaps and the bits in each, two words of four bytes, few of both.
fn is_map(table: &GoTable<'_>, base: u64, offset: u32) -> Option<bool> {
    const MOST: u64 = 1 << 12;
    let bytes = table.elf.bytes_from(Address(base.checked_add(offset.into())?))?;
    let (maps, bits) = (number(bytes, 0, 4)?, number(bytes, 4, 4)?);
    Some((1..MOST).contains(&maps) && bits < MOST)
}
