//! Memory cut into pieces by what may be done with it.

use crate::address::AddressRange;

/// A range of memory with which not everything may be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection {
    /// Its addresses.
    pub range: AddressRange,
    /// Whether stores reach it.
    pub writes: bool,
    /// Whether code runs there.
    pub executes: bool,
}

/// `ram` in ascending pieces that are the same throughout. Where protections overlap, each takes away what it forbids; where
/// there is none, everything is allowed.
pub(super) fn pieces(ram: &[AddressRange], protections: &[Protection]) -> Vec<Protection> {
    let mut pieces: Vec<Protection> = Vec::new();
    for &region in ram.iter().filter(|region| !region.is_empty()) {
        let borders = protections.iter().flat_map(|protection| [protection.range.start(), protection.range.end()]);
        let inside = borders.filter(|&border| region.contains(border));
        let mut borders: Vec<_> = inside.chain([region.start(), region.end()]).collect();
        borders.sort();
        borders.dedup();
        let first = pieces.len();
        for pair in borders.windows(2) {
            let Some(range) = AddressRange::between(pair[0], pair[1]) else { continue };
            let over = || protections.iter().filter(|protection| protection.range.contains(range.start()));
            let (writes, executes) = (over().all(|it| it.writes), over().all(|it| it.executes));
            match pieces[first..].last_mut().filter(|last| (last.writes, last.executes) == (writes, executes)) {
                Some(last) => last.range = AddressRange::between(last.range.start(), range.end()).unwrap_or(last.range),
                None => pieces.push(Protection { range, writes, executes }),
            }
        }
    }
    pieces.sort_by_key(|piece| piece.range);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn range(start: u64, end: u64) -> AddressRange {
        AddressRange::between(Address(start), Address(end)).unwrap()
    }

    #[test]
    fn memory_is_cut_where_something_changes_and_only_there() {
        let protection = |start, end, writes, executes| Protection { range: range(start, end), writes, executes };
        let ram = [range(0x8000, 0x9000), range(0x1000, 0x4000)];
        let found = pieces(
            &ram,
            &[
                protection(0x0, 0x2000, false, true),
                protection(0x2000, 0x3000, false, true),
                protection(0x2800, 0x3800, true, false),
                protection(0x8800, 0x8800, false, false),
            ],
        );
        let expected = [
            protection(0x1000, 0x2800, false, true),
            protection(0x2800, 0x3000, false, false),
            protection(0x3000, 0x3800, true, false),
            protection(0x3800, 0x4000, true, true),
            protection(0x8000, 0x9000, true, true),
        ];
        assert_eq!(found, expected);
    }
}
