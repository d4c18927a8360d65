//! An assembled program as an ELF file: `ET_EXEC` or static-PIE, with symbols, stripped or without section headers.

use crate::assembler::{Assembler, DATA, Section, TEXT};

/// What surrounds the code in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dress {
    pub position_independent: bool,
    pub sections: bool,
    pub symbols: bool,
}

const PAGE: usize = 0x1000;
/// Data that nothing in the file fills, behind the data that it does.
const ZEROES: u64 = 0x1000;

/// The file; the program starts at the first function.
pub fn write(code: &mut Assembler, dress: Dress) -> Vec<u8> {
    let constants_end = code.base(Section::Constants) + code.contents(Section::Constants).len() as u64;
    let dynamic = dress.position_independent.then(|| add_relocations(code));
    let mut file = vec![0; (code.base(Section::Code) - TEXT) as usize];
    file.extend(code.contents(Section::Code));
    file.resize((code.base(Section::Constants) - TEXT) as usize, 0);
    file.extend(code.contents(Section::Constants));
    file.resize(file.len().next_multiple_of(PAGE), 0);
    let data_offset = file.len() as u64;
    let data = code.contents(Section::Data).to_vec();
    file.extend(&data);

    let text_size = constants_end - TEXT;
    let mut programs = vec![
        [1, 5, 0, TEXT, text_size, text_size],
        [1, 6, data_offset, DATA, data.len() as u64, data.len() as u64 + ZEROES],
    ];
    if let Some((at, size)) = dynamic {
        programs.push([2, 6, data_offset + at - DATA, at, size, size]);
    }
    let sections = if dress.sections { write_sections(code, &mut file, data_offset, dress.symbols) } else { (0, 0) };
    let count = programs.len() as u16;
    let mut headers = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    put(&mut headers, &[if dress.position_independent { 3 } else { 2 }, 243], 2);
    put(&mut headers, &[1], 4);
    put(&mut headers, &[code.address_of(code.functions[0]), 64, sections.0], 8);
    put(&mut headers, &[5], 4); // EF_RISCV_RVC, double-precision float ABI
    put(&mut headers, &[64, 56, count.into(), 64, sections.1, sections.1.saturating_sub(1)], 2);
    for [kind, flags, offset, address, size, memory] in programs {
        put(&mut headers, &[kind, flags], 4);
        put(&mut headers, &[offset, address, address, size, memory, PAGE as u64], 8);
    }
    file[..headers.len()].copy_from_slice(&headers);
    file
}

fn put(bytes: &mut Vec<u8>, numbers: &[u64], size: usize) {
    for number in numbers {
        bytes.extend(&number.to_le_bytes()[..size]);
    }
}

/// Appends the relocations of data and the dynamic section that names them; address and size of the latter.
fn add_relocations(code: &mut Assembler) -> (u64, u64) {
    const RELATIVE: u64 = 3;
    code.align(Section::Data, 8);
    let table = DATA + code.contents(Section::Data).len() as u64;
    let mut bytes = Vec::new();
    for &place in &code.relocated {
        let at = (place - DATA) as usize;
        let addend = *code.contents(Section::Data)[at..].first_chunk().unwrap();
        put(&mut bytes, &[place, RELATIVE, u64::from_le_bytes(addend)], 8);
    }
    let dynamic = table + bytes.len() as u64;
    put(&mut bytes, &[7, table, 8, dynamic - table, 9, 24, 0, 0], 8);
    code.bytes(Section::Data, &bytes);
    (dynamic, 64)
}

/// Appends the section headers with what they name; their file offset and number.
fn write_sections(code: &Assembler, file: &mut Vec<u8>, data_offset: u64, symbols: bool) -> (u64, u64) {
    let names = b"\0.text\0.rodata\0.data\0.symtab\0.strtab\0.shstrtab\0";
    let name = |wanted: &str| {
        let bytes = format!("\0{wanted}\0");
        names.windows(bytes.len()).position(|window| window == bytes.as_bytes()).unwrap() as u64 + 1
    };
    let mut headers: Vec<[u64; 10]> = vec![[0; 10]];
    let allocated = [(".text", Section::Code, 6), (".rodata", Section::Constants, 2), (".data", Section::Data, 3)];
    for (title, section, flags) in allocated {
        let address = code.base(section);
        let offset = if section == Section::Data { data_offset } else { address - TEXT };
        let size = code.contents(section).len() as u64;
        headers.push([name(title), 1, flags, address, offset, size, 0, 0, 16, 0]);
    }
    if symbols {
        file.resize(file.len().next_multiple_of(8), 0);
        let (mut table, mut strings) = (vec![0; 24], vec![0]);
        for (index, &function) in code.functions.iter().enumerate() {
            put(&mut table, &[strings.len() as u64], 4);
            table.extend([0x12, 0, 1, 0]); // a global function in section 1
            put(&mut table, &[code.address_of(function), 0], 8);
            strings.extend(format!("f{index}\0").into_bytes());
        }
        let offset = file.len() as u64;
        headers.push([name(".symtab"), 2, 0, 0, offset, table.len() as u64, 5, 1, 8, 24]);
        headers.push([name(".strtab"), 3, 0, 0, offset + table.len() as u64, strings.len() as u64, 0, 0, 1, 0]);
        file.extend(table);
        file.extend(strings);
    }
    headers.push([name(".shstrtab"), 3, 0, 0, file.len() as u64, names.len() as u64, 0, 0, 1, 0]);
    file.extend(names);
    file.resize(file.len().next_multiple_of(8), 0);
    let start = file.len() as u64;
    for [name, kind, flags, address, offset, size, link, info, alignment, entry] in &headers {
        put(file, &[*name, *kind], 4);
        put(file, &[*flags, *address, *offset, *size], 8);
        put(file, &[*link, *info], 4);
        put(file, &[*alignment, *entry], 8);
    }
    (start, headers.len() as u64)
}
