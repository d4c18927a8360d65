//! Where functions lie by the unwinder's tables, and landing pads: code that only the unwinder enters, found through
//! the call-site tables of `.eh_frame` and `.gcc_except_table` (LSB "Exception Frames"; Itanium C++ ABI, "Exception
//! Handling Tables"). Damaged tables give fewer pads, never a failure.

use std::collections::BTreeMap;
use std::ops::Range;

use super::code::{Code, program_headers};
use crate::address::{Address, AddressRange, ByteCount};
use crate::isa::Op;

/// What the unwinder's tables say.
#[derive(Default)]
pub(super) struct Unwinding {
    /// Which calls have a landing pad: by start of the range of calls, its end and the pad.
    pads: BTreeMap<u64, (u64, u64)>,
    /// Start and end of functions, or of parts that lie elsewhere, ascending. None overlaps another.
    frames: Vec<(u64, u64)>,
}

impl Unwinding {
    /// All that a program's say.
    pub fn new(code: &Code<'_>) -> Unwinding {
        let mut unwinding = Unwinding::default();
        if let Some(frames) = eh_frame(code) {
            let mut reader = Reader { code, at: frames.start().0 };
            let mut personalities = BTreeMap::new();
            while reader.at < frames.end().0 && record(&mut reader, &mut personalities, &mut unwinding).is_some() {}
        }
        unwinding.frames = without_overlaps(unwinding.frames);
        unwinding
    }

    /// The function that `address` lies in. Where the tables name none it may start anywhere: what lies behind the one
    /// below may be data. But it ends where they name one.
    pub fn around(&self, address: u64) -> Range<u64> {
        let above = self.frames.partition_point(|&(start, _)| start <= address);
        let next = self.frames.get(above).map_or(u64::MAX, |&(start, _)| start);
        match above.checked_sub(1).map(|below| self.frames[below]) {
            Some((start, end)) if address < end => start..end,
            _ => 0..next,
        }
    }

    /// The landing pads for calls in `extent`.
    pub fn pads_in(&self, extent: Range<u64>) -> impl Iterator<Item = u64> {
        self.pads.range(extent).map(|(_, &(_, pad))| pad)
    }

    /// Where the unwinder enters the function again when the call at `call` throws.
    pub fn of(&self, call: u64) -> Option<u64> {
        let (_, &(end, pad)) = self.pads.range(..=call).next_back()?;
        (call < end).then_some(pad)
    }
}

/// The `frames`, ascending, without those that cover what another one covers, too: one of them is wrong.
fn without_overlaps(mut frames: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    frames.retain(|(start, end)| start < end);
    frames.sort_unstable();
    frames.dedup();
    let starts: Vec<u64> = frames.iter().map(|&(start, _)| start).collect();
    let (mut index, mut covered) = (0, 0);
    frames.retain(|&(start, end)| {
        index += 1;
        let alone = covered <= start && starts.get(index).is_none_or(|&next| end <= next);
        covered = covered.max(end);
        alone
    });
    frames.shrink_to_fit();
    frames
}

/// `.eh_frame`: by its section, else by what `PT_GNU_EH_FRAME` points at (then up to its terminator).
fn eh_frame(code: &Code<'_>) -> Option<AddressRange> {
    if let Some(section) = code.elf.sections.iter().find(|section| section.name == ".eh_frame") {
        return Some(section.range);
    }
    let &(header, _) = program_headers(code.elf, 0x6474_e550).first()?;
    let mut reader = Reader { code, at: header.0 };
    let (_version, encoding) = (reader.byte()?, reader.byte()?);
    reader.at += 2;
    let start = Address(reader.pointer(encoding)?);
    AddressRange::new(start, ByteCount(code.elf.bytes_from(start)?.len() as u64))
}

/// What a CIE says of its FDEs: encodings of code and LSDA pointers.
#[derive(Clone, Copy)]
struct Common {
    code: u8,
    lsda: Option<u8>,
}

/// Reads one CIE or FDE; `None` at the terminator or at nonsense.
fn record(reader: &mut Reader<'_, '_>, commons: &mut BTreeMap<u64, Common>, unwinding: &mut Unwinding) -> Option<()> {
    let start = reader.at;
    let length = reader.number(4)?;
    if length == 0 || length >= 0xffff_fff0 {
        return None;
    }
    let end = reader.at.checked_add(length)?;
    let field = reader.at;
    let distance = reader.number(4)?;
    if distance == 0 {
        if let Some(common) = common(reader) {
            commons.insert(start, common);
        }
    } else if let Some(common) = commons.get(&field.wrapping_sub(distance)).copied() {
        frame(reader, common, unwinding);
    }
    reader.at = end;
    Some(())
}

fn common(reader: &mut Reader<'_, '_>) -> Option<Common> {
    let version = reader.byte()?;
    let mut augmentation = Vec::new();
    loop {
        match reader.byte()? {
            0 => break,
            letter if augmentation.len() < 8 => augmentation.push(letter),
            _ => return None,
        }
    }
    reader.uleb()?;
    reader.uleb()?;
    if version == 1 {
        reader.byte()?;
    } else {
        reader.uleb()?;
    }
    let mut common = Common { code: 0, lsda: None };
    if augmentation.first() != Some(&b'z') {
        return Some(common);
    }
    reader.uleb()?;
    for letter in &augmentation[1..] {
        match letter {
            b'L' => common.lsda = Some(reader.byte()?),
            b'R' => common.code = reader.byte()?,
            b'P' => {
                let encoding = reader.byte()?;
                reader.pointer(encoding);
            }
            b'S' | b'B' => {}
            _ => return None,
        }
    }
    Some(common)
}

fn frame(reader: &mut Reader<'_, '_>, common: Common, unwinding: &mut Unwinding) -> Option<()> {
    let function = reader.pointer(common.code)?;
    let size = reader.pointer(common.code & 0x0f)?;
    unwinding.frames.push((function, function.saturating_add(size)));
    reader.uleb()?;
    let lsda = reader.pointer(common.lsda.filter(|&encoding| encoding != 0xff)?)?;
    if lsda == 0 {
        return None;
    }
    let mut reader = Reader { code: reader.code, at: lsda };
    let base = match reader.byte()? {
        0xff => function,
        encoding => reader.pointer(encoding)?,
    };
    if reader.byte()? != 0xff {
        reader.uleb()?;
    }
    let encoding = reader.byte()?;
    let length = reader.uleb()?;
    let end = reader.at.checked_add(length)?;
    while reader.at < end {
        let (start, length, pad) = (reader.pointer(encoding)?, reader.pointer(encoding)?, reader.pointer(encoding)?);
        reader.uleb()?;
        if pad != 0 {
            let start = function.wrapping_add(start);
            unwinding.pads.insert(start, (start.wrapping_add(length), base.wrapping_add(pad)));
        }
    }
    Some(())
}

/// Reads the tables from the program's memory.
struct Reader<'r, 'a> {
    code: &'r Code<'a>,
    at: u64,
}

impl Reader<'_, '_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.code.elf.bytes_from(Address(self.at))?.first()?;
        self.at += 1;
        Some(byte)
    }

    /// An unsigned little-endian number of `size` bytes.
    fn number(&mut self, size: u64) -> Option<u64> {
        let op = match size {
            2 => Op::Lhu,
            4 => Op::Lwu,
            _ => Op::Ld,
        };
        let number = self.code.initial_load(op, self.at)?;
        self.at = self.at.checked_add(size)?;
        Some(number)
    }

    fn uleb(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A pointer in a `DW_EH_PE_*` encoding: the low four bits say how it is stored, the next three what to add.
    fn pointer(&mut self, encoding: u8) -> Option<u64> {
        let place = self.at;
        let stored = match encoding & 0x0f {
            0x0 | 0x4 | 0xc => self.number(8)?,
            0x1 => self.uleb()?,
            0x2 => self.number(2)?,
            0x3 => self.number(4)?,
            0xa => self.number(2)? as i16 as u64,
            0xb => self.number(4)? as i32 as u64,
            _ => return None,
        };
        let value = match encoding & 0x70 {
            0x00 => stored,
            0x10 if stored != 0 => place.wrapping_add(stored),
            0x10 => 0,
            _ => return None,
        };
        match encoding & 0x80 {
            0 => Some(value),
            _ => self.code.initial_load(Op::Ld, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_overlap_say_nothing() {
        let frames = vec![(90, 95), (10, 60), (20, 30), (30, 40), (60, 70), (70, 80), (75, 90), (60, 70), (50, 50)];
        assert_eq!(without_overlaps(frames), [(60, 70), (90, 95)]);
    }

    #[test]
    fn between_frames_only_the_end_is_known() {
        let unwinding = Unwinding { frames: vec![(10, 20), (30, 40)], ..Unwinding::default() };
        let around = [5, 10, 19, 20, 35, 40].map(|address| unwinding.around(address));
        assert_eq!(around, [0..10, 10..20, 10..20, 0..30, 30..40, 0..u64::MAX]);
    }
}
