//! Files that are refused, and why; files that only look odd and are accepted.

use super::*;

fn refusal(bytes: &[u8]) -> ElfError {
    AppElf::parse(bytes.to_vec()).expect_err("this is no program")
}

/// A 64-byte ELF header with the given class, data encoding, type and machine.
fn header(class: u8, data: u8, kind: u16, machine: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', class, data, 1];
    bytes.resize(64, 0);
    bytes[16..18].copy_from_slice(&kind.to_le_bytes());
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes[20] = 1;
    bytes[52] = 64;
    bytes[54] = 56;
    bytes
}

#[test]
fn what_is_not_a_riscv64_elf_is_named() {
    assert!(matches!(refusal(b""), ElfError::Empty));
    assert!(matches!(refusal(b"#!/bin/sh\n"), ElfError::NotElf { found: "a script" }));
    assert!(matches!(refusal(b"hello\n"), ElfError::NotElf { found: "a text file" }));
    assert!(matches!(refusal(b"\x7fELF"), ElfError::Truncated { .. }));
    assert!(matches!(refusal(&header(1, 1, 2, 243)), ElfError::Not64Bit));
    assert!(matches!(refusal(&header(2, 2, 2, 243)), ElfError::BigEndian));
    assert!(matches!(refusal(&header(2, 1, 2, 62)), ElfError::OtherMachine { found } if found == "x86-64"));
    assert!(matches!(refusal(&header(2, 1, 1, 243)), ElfError::NotAProgram { .. }));
    assert!(matches!(refusal(&header(2, 1, 2, 243)), ElfError::Malformed { .. }));
}

#[test]
fn a_program_header_table_past_the_end_is_a_truncated_file() {
    let mut bytes = header(2, 1, 2, 243);
    bytes[32] = 64;
    bytes[56] = 3;
    assert!(matches!(refusal(&bytes), ElfError::Truncated { end: 232, file_size: 64, .. }));
}

/// A program header: type, flags, file offset, address, file size, memory size.
type Entry = (u32, u32, u64, u64, u64, u64);

const LOAD: u32 = 1;
const TLS: u32 = 7;
const READ_EXECUTE: u32 = 5;
/// Where the contents of [`program`] start in the file.
const CONTENTS: u64 = 0x1000;

/// An executable with `entries` as its program header table, entered at `entry`, with two pages of contents.
fn program(entry: u64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = header(2, 1, 2, 243);
    bytes[24..32].copy_from_slice(&entry.to_le_bytes());
    bytes[32] = 64;
    bytes[56..58].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    for &(kind, flags, offset, address, file_size, memory_size) in entries {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(
            [offset, address, address, file_size, memory_size, 0x1000].iter().flat_map(|word| word.to_le_bytes()),
        );
    }
    bytes.resize((CONTENTS as usize + 0x2000).max(bytes.len()), 0);
    bytes
}

const CODE: Entry = (LOAD, READ_EXECUTE, CONTENTS, 0x10000, 0x100, 0x100);

#[test]
fn a_small_program_is_accepted() {
    let app = AppElf::parse(program(0x10000, &[CODE])).unwrap();
    assert_eq!(app.span(), AddressRange::new(Address(0x10000), ByteCount(0x100)).unwrap());
    assert!(app.is_stripped() && app.program_headers.is_none());
}

/// GNU ld with `-z noseparate-code` puts two segments into one page: apart by addresses, so both are kept as they are.
#[test]
fn two_segments_in_one_page_are_accepted() {
    let data = (LOAD, 6, CONTENTS + 0x100, 0x10100, 0x10, 0x20);
    let app = AppElf::parse(program(0x10000, &[data, CODE])).unwrap();
    let starts: Vec<Address> = app.segments.iter().map(|segment| segment.range.start()).collect();
    assert_eq!(starts, [Address(0x10000), Address(0x10100)]);
}

#[test]
fn impossible_segments_are_refused() {
    let malformed = |entry: u64, entries: &[Entry]| match refusal(&program(entry, entries)) {
        ElfError::Malformed { what } => what,
        other => panic!("{other}"),
    };
    let wrapping = (LOAD, READ_EXECUTE, CONTENTS, u64::MAX - 0xff, 0x100, 0x200);
    assert!(malformed(0x10000, &[wrapping]).contains("passes the address space"));
    let more_file = (LOAD, READ_EXECUTE, CONTENTS, 0x10000, 0x200, 0x100);
    assert!(malformed(0x10000, &[more_file]).contains("has 512 bytes of file for 256 of memory"));
    let far = (LOAD, 4, CONTENTS, 1 << 41, 0x10, 0x10);
    assert!(malformed(0x10000, &[CODE, far]).contains("span"));
    assert!(malformed(0x10001, &[CODE]).contains("odd"));
    assert!(malformed(0x10100, &[CODE]).contains("no executable segment"));
    let data = (LOAD, 6, CONTENTS, 0x20000, 0x10, 0x10);
    assert!(malformed(0x20000, &[CODE, data]).contains("no executable segment"));
    assert!(malformed(0x10000, &[CODE, (TLS, 4, CONTENTS, 0x90000, 8, 8)]).contains("TLS template"));
    assert!(malformed(0x10000, &[CODE, (TLS, 4, CONTENTS, u64::MAX, 0, 8)]).contains("TLS template"));
    let many: Vec<Entry> = (0..65).map(|index| (LOAD, 5, CONTENTS, 0x10000 + index * 0x1000, 16, 16)).collect();
    assert!(malformed(0x10000, &many).contains("more than 64"));
    let mut counted = program(0x10000, &[CODE]);
    counted[56..58].copy_from_slice(&0xffffu16.to_le_bytes());
    assert!(matches!(refusal(&counted), ElfError::Malformed { .. }));
}

#[test]
fn overlapping_and_missing_bytes_are_refused() {
    let inside = (LOAD, 6, CONTENTS, 0x100ff, 0x10, 0x10);
    assert!(matches!(refusal(&program(0x10000, &[CODE, inside])), ElfError::Overlap { .. }));
    for offset in [0x3000, u64::MAX - 8, u64::MAX] {
        let beyond = (LOAD, READ_EXECUTE, offset, 0x10000, 0x100, 0x100);
        assert!(matches!(refusal(&program(0x10000, &[beyond])), ElfError::Truncated { .. }), "{offset:#x}");
    }
}

/// Every name points at the same long string: spelt out, a file of 2 MB would ask for 30 GB.
#[test]
fn a_symbol_table_that_explodes_is_taken_for_a_missing_one() {
    let (symbols, name) = (30_000u32, vec![b'x'; 1 << 20]);
    let mut bytes = program(0x10000, &[CODE]);
    let table_at = bytes.len() as u64;
    for _ in 0..symbols {
        bytes.extend(1u32.to_le_bytes());
        bytes.extend([2, 0, 0xf1, 0xff]); // STT_FUNC, SHN_ABS
        bytes.extend(0x10000u64.to_le_bytes());
        bytes.extend(4u64.to_le_bytes());
    }
    let names_at = bytes.len() as u64;
    bytes.push(0);
    bytes.extend(&name);
    bytes.push(0);
    let sections_at = bytes.len().next_multiple_of(8);
    bytes.resize(sections_at, 0);
    let mut section = |kind: u32, offset: u64, size: u64, link: u32, entry_size: u64| {
        bytes.extend([0, kind].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([0, 0, offset, size].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([link, 0].iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend([1, entry_size].iter().flat_map(|word| word.to_le_bytes()));
    };
    section(0, 0, 0, 0, 0);
    section(2, table_at, u64::from(symbols) * 24, 2, 24);
    section(3, names_at, name.len() as u64 + 2, 0, 0);
    bytes[40..48].copy_from_slice(&(sections_at as u64).to_le_bytes());
    bytes[58..60].copy_from_slice(&64u16.to_le_bytes());
    bytes[60..62].copy_from_slice(&3u16.to_le_bytes());
    bytes[62..64].copy_from_slice(&2u16.to_le_bytes());

    let mut few = bytes.clone();
    few[sections_at + 64 + 32..][..8].copy_from_slice(&(3u64 * 24).to_le_bytes());
    assert_eq!(AppElf::parse(few).unwrap().symbols.len(), 1, "the table itself is sound");
    assert!(AppElf::parse(bytes).unwrap().is_stripped());
}

/// Whatever a few changed bytes say, the answer is a program or an error: no crash, no endless work.
#[test]
fn damaged_programs_are_answered() {
    let original = include_bytes!("../../../../examples/hello-minimal-c/bin/gc-pie");
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut accepted = 0;
    for _ in 0..3000 {
        let mut bytes = original.to_vec();
        for _ in 0..=next(4) {
            // Headers and tables lie at both ends.
            let at = if next(2) == 0 { next(600) } else { bytes.len() - 1 - next(1200) };
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, next(256) as u8][next(6)];
        }
        if next(8) == 0 {
            bytes.truncate(next(original.len()));
        }
        accepted += usize::from(AppElf::parse(bytes).is_ok());
    }
    assert!((100..2900).contains(&accepted), "{accepted} of 3000 accepted: the damage does not reach what it should");
}
