//! The tables of made-up programs, one of each version, and what damage does to them.

use super::*;

const CODE: u64 = 0x11000;
const DATA: u64 = 0x20000;
/// Where in the data segment the function table and the module data lie, in bytes.
const TABLE: usize = 0x40;
const MODULE: usize = 0x600;
/// Where types start, and what lies there: the type of a function, and a name.
const TYPES: u64 = DATA + 0x480;
const KIND: i32 = 0x28;
const NAME: i32 = 0x44;
/// Offsets of the functions from the start of text, which lies 16 bytes into the code.
const FUNCTIONS: [u64; 3] = [0x10, 0x40, 0x80];
const TEXT: u64 = CODE + 0x10;
const TEXT_SIZE: u64 = 0xc0;
const NAMES: [&str; 3] = ["runtime.text", "main.(*closer).Close", "main.main"];

/// What a version of the linker writes.
#[derive(Clone, Copy)]
struct Flavour {
    magic: u32,
    /// Whether the header tells where text starts (where the version has the field).
    header_text: bool,
    module_data: bool,
}

const FLAVOURS: [Flavour; 5] = [
    Flavour { magic: 0xffff_fffb, header_text: false, module_data: false },
    Flavour { magic: 0xffff_fffa, header_text: false, module_data: true },
    Flavour { magic: 0xffff_fff0, header_text: true, module_data: true },
    Flavour { magic: 0xffff_fff1, header_text: true, module_data: false },
    Flavour { magic: 0xffff_fff1, header_text: false, module_data: true },
];

fn put(bytes: &mut Vec<u8>, at: usize, value: &[u8]) {
    if bytes.len() < at + value.len() {
        bytes.resize(at + value.len(), 0);
    }
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// The function table: header, names, entries, records.
fn table(flavour: Flavour) -> Vec<u8> {
    let whole = flavour.magic >= 0xffff_fffa;
    let width = if whole { 8 } else { 4 };
    let mut bytes = Vec::new();
    put(&mut bytes, 0, &flavour.magic.to_le_bytes());
    put(&mut bytes, 4, &[0, 0, 4, 8]);
    put(&mut bytes, 8, &3u64.to_le_bytes());
    let (names, entries) = (0x100u64, 0x180u64);
    let (name_base, record_base, at_entries) = match flavour.magic {
        0xffff_fffb => (0, 0, 16),
        0xffff_fffa => (names, entries, entries),
        _ => (names, entries, entries),
    };
    match flavour.magic {
        0xffff_fffb => {}
        0xffff_fffa => {
            put(&mut bytes, 24, &names.to_le_bytes());
            put(&mut bytes, 56, &entries.to_le_bytes());
        }
        _ => {
            put(&mut bytes, 24, &if flavour.header_text { TEXT } else { 0 }.to_le_bytes());
            put(&mut bytes, 32, &names.to_le_bytes());
            put(&mut bytes, 64, &entries.to_le_bytes());
        }
    }
    let number = |value: u64| value.to_le_bytes()[..width].to_vec();
    let code = |offset: u64| number(if whole { TEXT + offset } else { offset });
    let mut name_at = names;
    for (index, (&offset, name)) in FUNCTIONS.iter().zip(NAMES).enumerate() {
        put(&mut bytes, name_at as usize, name.as_bytes());
        let record = 0x200 + 0x40 * index as u64;
        let entry = at_entries as usize + 2 * width * index;
        put(&mut bytes, entry, &code(offset));
        put(&mut bytes, entry + width, &number(record - record_base));
        put(&mut bytes, record as usize, &code(offset));
        put(&mut bytes, record as usize + width, &((name_at - name_base) as u32).to_le_bytes());
        let deferreturn = if index == 1 { 0x24u32 } else { 0 };
        put(&mut bytes, record as usize + width + 8, &deferreturn.to_le_bytes());
        name_at += name.len() as u64 + 1;
    }
    put(&mut bytes, at_entries as usize + 6 * width, &code(TEXT_SIZE));
    put(&mut bytes, 0x2ff, &[0]);
    bytes
}

fn module_data() -> Vec<u8> {
    let table = DATA + TABLE as u64;
    let mut words = [0u64; 48];
    words[37] = TYPES;
    words[0] = table;
    words[1] = table + 0x100;
    (words[13], words[14]) = (table + 0x180, 0x180);
    words[16] = table + 0x180;
    (words[20], words[21], words[22]) = (TEXT + FUNCTIONS[0], TEXT + TEXT_SIZE, TEXT);
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A method record at the given place of the data segment.
fn method(data: &mut Vec<u8>, at: usize, record: [i32; 4]) {
    put(data, at, &record.map(i32::to_le_bytes).concat());
}

/// An ELF file of a code and a data segment without section headers.
fn elf(data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    put(&mut bytes, 16, &[2, 0, 243, 0, 1, 0, 0, 0]);
    put(&mut bytes, 24, &(TEXT + FUNCTIONS[0]).to_le_bytes());
    put(&mut bytes, 32, &64u64.to_le_bytes());
    put(&mut bytes, 48, &[4, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0]);
    let segments = [(5u32, 0x1000u64, CODE, 0x100u64), (6, 0x2000, DATA, data.len() as u64)];
    for (index, (flags, offset, address, size)) in segments.into_iter().enumerate() {
        let at = 64 + 56 * index;
        put(&mut bytes, at, &[1u32.to_le_bytes(), flags.to_le_bytes()].concat());
        let words = [offset, address, address, size, size, 0x1000].map(u64::to_le_bytes);
        put(&mut bytes, at + 8, &words.concat());
    }
    put(&mut bytes, 0x1000, &0x13u32.to_le_bytes().repeat(0x40));
    put(&mut bytes, 0x2000, data);
    bytes
}

fn program(flavour: Flavour) -> Vec<u8> {
    let mut data = vec![0; 0x800];
    put(&mut data, TABLE, &table(flavour));
    if flavour.module_data {
        put(&mut data, MODULE, &module_data());
    }
    // Called, not called by anything, and numbers that are no method: a function's middle, no type.
    let base = if flavour.magic == 0xffff_fffb { 0 } else { 0x10 };
    method(&mut data, 0x500, [NAME, KIND, 0x30 + base, 0x70 + base]);
    method(&mut data, 0x510, [9, -1, -1, -1]);
    method(&mut data, 0x520, [NAME, KIND, 0x34 + base, 0x72 + base]);
    data[0x480 + KIND as usize + 23] = 19;
    put(&mut data, 0x480 + NAME as usize, b"\x01\x05Close");
    method(&mut data, 0x540, [NAME, 0, 0x30 + base, 0x70 + base]);
    data
}

#[test]
fn every_version_tells_bounds_names_resumptions_and_methods() {
    for flavour in FLAVOURS {
        let file = AppElf::parse(elf(&program(flavour))).unwrap();
        let go = GoFile::of(&file);
        let table = go.table().unwrap_or_else(|| panic!("{:#x} is not read", flavour.magic));
        assert_eq!(table.starts(), FUNCTIONS.map(|offset| TEXT + offset));
        assert_eq!(table.end(), TEXT + TEXT_SIZE);
        assert_eq!(table.resumptions().collect::<Vec<_>>(), [(TEXT + 0x40, TEXT + 0x64)]);
        assert_eq!(table.name(TEXT + 0x40), Some("main.(*closer).Close"));
        assert_eq!(table.name(TEXT + 0x44), None);
        let methods = [(TEXT + 0x40, Address(DATA + 0x508)), (TEXT + 0x80, Address(DATA + 0x50c))];
        // With module data, neither what has no name nor what has no function type is a method. Where text starts with the first function, zeros are its offset: too many, never too few.
        let found: Vec<_> = table.methods().into_iter().filter(|&(target, _)| target != TEXT + FUNCTIONS[0]).collect();
        assert_eq!(found, methods, "{:#x}", flavour.magic);
    }
}

#[test]
fn a_table_that_does_not_check_out_is_go_that_is_not_understood() {
    for flavour in FLAVOURS {
        let whole = program(flavour);
        let entries = TABLE + if flavour.magic == 0xffff_fffb { 16 } else { 0x180 };
        // The number of functions, an entry out of order, a record of another function.
        for (place, value) in [(TABLE + 8, 0xff), (TABLE + 15, 0x7f), (entries, 0xf0), (TABLE + 0x240, 0x44)] {
            let mut data = whole.clone();
            data[place] = value;
            let file = AppElf::parse(elf(&data)).unwrap();
            assert!(matches!(GoFile::of(&file), GoFile::Unreadable), "{:#x} {place:#x}", flavour.magic);
        }
    }
}

#[test]
fn build_information_alone_is_go_that_is_not_understood_and_a_magic_alone_is_nothing() {
    let mut data = vec![0; 0x100];
    put(&mut data, 0x40, b"\xff Go buildinf:");
    assert!(matches!(GoFile::of(&AppElf::parse(elf(&data)).unwrap()), GoFile::Unreadable));
    // The constant alone, as in a program that reads such tables, and text at an odd place.
    let mut data = vec![0; 0x100];
    put(&mut data, 0x40, &0xffff_fff1u64.to_le_bytes());
    put(&mut data, 0x54, b"\xff Go buildinf:");
    assert!(matches!(GoFile::of(&AppElf::parse(elf(&data)).unwrap()), GoFile::No));
}

#[test]
fn damage_never_panics_and_offsets_of_code_never_leave_the_code() {
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut understood = 0;
    for flavour in FLAVOURS {
        let whole = program(flavour);
        for _ in 0..2000 {
            let mut data = whole.clone();
            for _ in 0..=random() % 3 {
                let place = random() as usize % (data.len() - 8);
                let value = [0, u64::MAX, random(), random() % 0x200, 1 << (random() % 64)][random() as usize % 5];
                let size = [1, 4, 8][random() as usize % 3];
                put(&mut data, place, &value.to_le_bytes()[..size]);
            }
            data.truncate(data.len() - random() as usize % 0x300);
            let file = AppElf::parse(elf(&data)).unwrap();
            let Some(table) = GoFile::of(&file).table().map(|table| {
                let named = table.starts().iter().filter_map(|&start| table.name(start)).count();
                (named, table.methods(), table.resumptions().collect::<Vec<_>>(), table.end())
            }) else {
                continue;
            };
            understood += 1;
            let (_, methods, resumptions, end) = table;
            assert!(end <= CODE + 0x100);
            let targets = methods.iter().map(|method| method.0).chain(resumptions.iter().map(|each| each.1));
            for target in targets {
                assert!((CODE..CODE + 0x100).contains(&target), "{target:#x}");
            }
        }
    }
    assert!(understood > 1000, "{understood}: the damage was always fatal, so nothing was tested");
}

#[test]
fn a_record_whose_name_or_type_is_none_is_no_method_if_the_module_data_tells_where_types_start() {
    let flavour = FLAVOURS[4];
    let targets = |data: &[u8]| {
        let file = AppElf::parse(elf(data)).unwrap();
        let methods = GoFile::of(&file).table().unwrap().methods();
        methods.iter().map(|&(target, _)| target - TEXT).collect::<Vec<_>>()
    };
    let mut data = program(flavour);
    method(&mut data, 0x550, [NAME + 16, KIND, 0x10, 0x10]);
    method(&mut data, 0x570, [NAME, KIND + 8, 0x10, 0x10]);
    assert_eq!(targets(&data), [0x40, 0x80]);
    // Without the word that says where types start, the form alone decides.
    data[MODULE + 37 * 8..MODULE + 38 * 8].fill(0);
    assert_eq!(targets(&data), [0x10, 0x10, 0x10, 0x10, 0x40, 0x80]);
}

/// A wrapper's record is an offset of code. Where the program is linked low enough it is an address, too, and is taken for
/// a function's word unless the function table says what it is.
#[test]
fn what_the_runtime_keeps_about_functions_is_no_address_of_code() {
    const RECORDS: usize = 0x700;
    let flavour = FLAVOURS[4];
    let mut data = program(flavour);
    put(&mut data, MODULE + 38 * 8, &(DATA + RECORDS as u64).to_le_bytes());
    for index in 0..3 {
        // One table of program counters, an argument map and, in the last kind, a wrapper's record.
        let record = TABLE + 0x200 + 0x40 * index;
        put(&mut data, record + 28, &1u32.to_le_bytes());
        let kinds = [16, u32::MAX, u32::MAX, if index == 1 { 8 } else { u32::MAX }];
        data[record + 43] = kinds.len() as u8;
        put(&mut data, record + 48, &kinds.map(u32::to_le_bytes).concat());
    }
    put(&mut data, RECORDS, &(TEXT + FUNCTIONS[2]).to_le_bytes());
    put(&mut data, RECORDS + 8, &(TEXT + FUNCTIONS[2]).to_le_bytes());
    put(&mut data, RECORDS + 16, &[1, 0, 0, 0, 3, 0, 0, 0, 5]);
    let file = AppElf::parse(elf(&data)).unwrap();
    let go = GoFile::of(&file);
    assert_eq!(go.table().unwrap().function_data(), [8, 16].map(|offset| DATA + RECORDS as u64 + offset));
    let arena = crate::analysis::arena::Arena::new();
    let code = crate::analysis::code::Code::new(&file, &arena, crate::analysis::code::CodeBy::Sections, false);
    let pointers = crate::analysis::pointers::data_pointers(&code);
    let holders = pointers.iter().filter(|pointer| pointer.target == TEXT + FUNCTIONS[2]);
    let in_records = holders.map(|pointer| pointer.holder).filter(|holder| holder.0 >= DATA + RECORDS as u64);
    assert_eq!(in_records.collect::<Vec<_>>(), [Address(DATA + RECORDS as u64)]);
}

/// A function that defers calls one that keeps its argument, the number of a call, in its caller's frame (Go's spill area).
#[test]
fn where_recovery_goes_on_the_stack_pointer_is_that_of_the_calls() {
    let flavour = FLAVOURS[4];
    let mut data = program(flavour);
    // No methods: nothing is called through pointers.
    data[0x500..0x550].fill(0);
    let mut bytes = elf(&data);
    let code: [(usize, &[u32]); 4] = [
        // jal +0x30; li a7, 94; ecall
        (0x10, &[0x0300_00ef, 0x05e0_0893, 0x0000_0073]),
        // ret
        (0x30, &[0x0000_8067]),
        // addi sp, sp, -32; sd ra, 0(sp); li a0, 172; jal +0x34
        (0x40, &[0xfe01_0113, 0x0011_3023, 0x0ac0_0513, 0x0340_00ef]),
        // addi sp, sp, -16; sd ra, 0(sp); sd a0, 24(sp); jal -0x5c; ld a7, 24(sp); ecall; ld ra, 0(sp); addi sp, sp, 16; ret
        (
            0x80,
            &[
                0xff01_0113,
                0x0011_3023,
                0x00a1_3c23,
                0xfa5f_f0ef,
                0x0181_3883,
                0x0000_0073,
                0x0001_3083,
                0x0101_0113,
                0x0000_8067,
            ],
        ),
    ];
    // Recovery goes on at 0x64: ld ra, 0(sp); addi sp, sp, 32; ret
    let behind: (usize, &[u32]) = (0x64, &[0x0001_3083, 0x0201_0113, 0x0000_8067]);
    for (offset, words) in code.into_iter().chain([behind]) {
        let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        put(&mut bytes, 0x1010 + offset, &words);
    }
    let analysis = crate::analysis::analyse(&AppElf::parse(bytes).unwrap());
    let numbers =
        |site: &crate::analysis::Site| site.evidence.numbers().map(|all| all.iter().map(|each| each.0).collect());
    let found: Vec<Option<Vec<u64>>> = analysis.sites.iter().filter(|site| site.reachable).map(numbers).collect();
    assert_eq!(found, [Some(vec![94]), Some(vec![172])]);
}

mod swept;
