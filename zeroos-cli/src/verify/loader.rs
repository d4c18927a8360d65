//! What the machine's loader asks of an image (`[loader]` of `platform.toml`), checked on the finished bytes.

use object::{Object, ObjectSegment, SegmentFlags, elf};

use crate::address::{Address, AddressRange, ByteCount};
use crate::image::ImageError;
use crate::isa::{Instruction, decode};
use crate::platform::{HostInterface, InstructionSet, Platform};

const PAGE: u64 = 4096;

/// A load segment.
struct Segment<'a> {
    range: AddressRange,
    data: &'a [u8],
    writable: bool,
    executable: bool,
}

/// Checks `file` against the rules of `platform`.
///
/// # Errors
/// The first rule that is broken, and where.
pub(super) fn check(file: &object::File<'_>, platform: &Platform) -> Result<(), ImageError> {
    let rules = &platform.loader;
    let broken =
        |what: String, address: Address| Err(ImageError::LoaderRule { platform: platform.name.clone(), what, address });
    let segments: Vec<Segment<'_>> = file
        .segments()
        .filter_map(|segment| {
            let SegmentFlags::Elf { p_flags, .. } = segment.flags() else { return None };
            Some(Segment {
                range: AddressRange::new(Address(segment.address()), ByteCount(segment.size()))?,
                data: segment.data().ok()?,
                writable: p_flags.contains(elf::PF_W),
                executable: p_flags.contains(elf::PF_X),
            })
        })
        .collect();
    for Segment { range, writable, executable, .. } in &segments {
        if rules.lowest_address.is_some_and(|lowest| range.start() < lowest) {
            return broken("a segment lies below the lowest address it loads".into(), range.start());
        }
        if rules.write_xor_execute && *writable && *executable {
            return broken("a segment is writable and executable".into(), range.start());
        }
        let serves = platform.memory.iter().any(|region| {
            region.range.covers(*range)
                && (!executable || region.access.executes())
                && (!writable || region.access.writes())
        });
        // Memory beside the regions is what the machine is given for a program that stays in place.
        if !serves && platform.memory.iter().any(|region| region.range.overlaps(*range)) {
            return broken("a segment lies in memory that does not serve it".into(), range.start());
        }
    }
    if rules.separate_pages {
        let shares = |pair: &&[Segment<'_>]| {
            let end = pair[0].range.end().align_up(PAGE);
            end.is_none_or(|end| end > pair[1].range.start().align_down(PAGE))
        };
        if let Some(pair) = segments.windows(2).find(shares) {
            return broken("two segments share a page".into(), pair[1].range.start());
        }
    }
    let code: Vec<&Segment<'_>> = segments.iter().filter(|segment| segment.executable).collect();
    if rules.contiguous_text
        && let Some(pair) = code.windows(2).find(|pair| pair[0].range.end() != pair[1].range.start())
    {
        return broken("executable segments do not follow each other".into(), pair[0].range.end());
    }
    if rules.decodable_text {
        let host_instruction = platform.devices.host.and_then(HostInterface::instruction);
        for segment in &code {
            if let Some(offset) = first_unknown(segment.data, &platform.isa, host_instruction) {
                let at = segment.range.start().offset(offset as i64);
                return broken("an executable segment holds what is no instruction of the machine".into(), at);
            }
        }
    }
    let instructions: u64 = code.iter().map(|segment| segment.range.size().0 / 4).sum();
    if let Some(most) = rules.max_text_instructions.filter(|&most| instructions > most) {
        let what = format!("executable segments hold {instructions} instructions, more than the {most} that it loads");
        return broken(what, Address(0));
    }
    let bytes: u64 = segments.iter().map(|segment| segment.range.size().0).sum();
    if let Some(most) = rules.max_image_bytes.filter(|&most| bytes > most) {
        let what = format!("its segments take {bytes} bytes, more than the {most} that it loads");
        return broken(what, Address(0));
    }
    Ok(())
}

/// The offset of the first word of `text` that is no instruction of a machine with `isa` and, perhaps, one more.
fn first_unknown(text: &[u8], isa: &InstructionSet, more: Option<u32>) -> Option<usize> {
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let is_more = more.is_some_and(|more| rest.starts_with(&more.to_le_bytes()));
        match decode(rest).filter(|instruction| takes(isa, instruction)) {
            Some(instruction) => at += usize::from(instruction.length),
            None if is_more => at += 4,
            // `c.unimp`, which compilers put where nothing goes on (ISA manual, "C": defined illegal instruction).
            None if isa.compressed && rest.starts_with(&[0, 0]) => at += 2,
            None => return Some(at),
        }
    }
    None
}

/// Whether the loader of a machine with `isa` takes `instruction`: CSRs, that of floating point too, matter only when it is executed.
fn takes(isa: &InstructionSet, instruction: &Instruction) -> bool {
    instruction.is_csr_access() || isa.executes(instruction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_by_the_machines_instructions() {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let (nop, ebreak, lr, add_then_ret) = (0x13, 0x0010_0073, 0x1005_262f, 0x8082_952e);
        let small = InstructionSet::parse("rv64im").unwrap();
        assert_eq!(first_unknown(&words(&[nop, ebreak]), &small, None), None);
        assert_eq!(first_unknown(&words(&[nop, lr]), &small, None), Some(4));
        assert_eq!(first_unknown(&words(&[nop, 0]), &small, None), Some(4));
        assert_eq!(first_unknown(&words(&[add_then_ret]), &small, None), Some(0));
        let jolts = HostInterface::Jolt.instruction();
        assert_eq!(first_unknown(&words(&[nop, 0x205b, nop]), &small, jolts), None);
        assert_eq!(first_unknown(&words(&[nop, 0x205b, nop]), &small, None), Some(4));
        let large = InstructionSet::parse("rv64imac").unwrap();
        assert_eq!(first_unknown(&words(&[lr, add_then_ret, 0]), &large, None), None);
    }
}
