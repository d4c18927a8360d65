//! Applying a static-PIE's relocations before it starts. Its own start-up code (musl's `_dlstart_c`, glibc's
//! `_dl_relocate_static_pie`) walks the tables that the dynamic section names, as long as `DT_RELASZ` and `DT_RELRSZ` say. Where
//! every word that it would write can be written beforehand, these become 0, and the walks end at once.

use std::collections::BTreeMap;

use object::elf;

use super::app::{AppElf, Segment};
use super::hints::{DT_RELRSZ, RELA_SIZE, dynamic_entries, dynamic_table};
use crate::address::{Address, AddressRange};

/// `DT_RELACOUNT`: how many relative relocations come first (glibc's `elf.h`).
const DT_RELACOUNT: u64 = 0x6fff_fff9;

/// Where the dynamic section at `dynamic` says how many relocations there are. None if the program must relocate itself, because
/// there are others than relative ones, because a word would be written that is no data of its own, or twice.
pub(super) fn counts(app: &AppElf, dynamic: AddressRange) -> Vec<Address> {
    let entries = dynamic_entries(app, dynamic);
    let is_other = |&(tag, value): &(u64, u64)| {
        [elf::DT_REL.0, elf::DT_RELSZ.0, elf::DT_PLTRELSZ.0].iter().any(|&other| other as u64 == tag) && value != 0
    };
    let table = dynamic_table(app, &entries, elf::DT_RELA.0 as u64, elf::DT_RELASZ.0 as u64);
    let is_relative = |entry: &[u8]| {
        let info = entry.get(8..16).and_then(|info| info.try_into().ok()).map_or(u64::MAX, u64::from_le_bytes);
        [elf::R_RISCV_RELATIVE, elf::R_RISCV_NONE].iter().any(|kind| info == u64::from(kind.0))
    };
    let listed = table.chunks_exact(RELA_SIZE).all(is_relative) && table.len().is_multiple_of(RELA_SIZE);
    let is_data = |address: Address| {
        let holds = |segment: &Segment| segment.permissions.write && !segment.permissions.execute;
        app.segment_at(address).is_some_and(holds) && app.word_at(address).is_some()
    };
    let apart = app.relocations.windows(2).all(|pair| pair[0].target.0.saturating_add(8) <= pair[1].target.0);
    let mut targets = app.relocations.iter().map(|relocation| relocation.target);
    if entries.iter().any(is_other) || !listed || !apart || !targets.all(is_data) {
        return Vec::new();
    }
    let counts: Vec<Address> = (dynamic.start().0..)
        .step_by(16)
        .zip(&entries)
        .filter(|(_, (tag, value))| [elf::DT_RELASZ.0 as u64, DT_RELRSZ, DT_RELACOUNT].contains(tag) && *value != 0)
        .map(|(at, _)| Address(at + 8))
        .collect();
    let is_target = |count: &Address| {
        let next = app.relocations.partition_point(|relocation| relocation.target.0 + 8 <= count.0);
        app.relocations.get(next).is_some_and(|relocation| relocation.target.0 < count.0 + 8)
    };
    if counts.iter().all(|&count| is_data(count)) && !counts.iter().any(is_target) { counts } else { Vec::new() }
}

impl AppElf {
    /// The words that change, by link-time address, so that the program finds itself relocated when every address is `placed`
    /// so; none if it must do that itself.
    pub fn applied_relocations(&self, placed: impl Fn(Address) -> Address) -> BTreeMap<Address, u64> {
        if self.relocation_counts.is_empty() {
            return BTreeMap::new();
        }
        let words = self.relocations.iter().map(|relocation| (relocation.target, placed(relocation.addend).0));
        words.chain(self.relocation_counts.iter().map(|&count| (count, 0))).collect()
    }
}
