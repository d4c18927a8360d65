//! The decoder against an independent one, GNU objdump: every 16-bit encoding, and 32-bit ones sampled densely over
//! all opcodes and function fields. Compared are acceptance, length, mnemonic, registers and immediates.
#![allow(clippy::unwrap_used)] // what fails here fails the test

use std::collections::BTreeSet;
use std::process::Command;

use object::write::{Object, StandardSegment};
use object::{Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind};
use zeroos::isa::{Instruction, Op, decode};

const OBJDUMP: &str = "riscv64-linux-gnu-objdump";

/// One instruction as objdump prints it: `None` where it knows none.
struct Line {
    address: i64,
    mnemonic: Option<String>,
    operands: Vec<String>,
}

/// Disassembles `code` as rv64gc with Zba, Zbb and Zbs.
fn objdump(code: &[u8]) -> Vec<Line> {
    let mut elf = Object::new(BinaryFormat::Elf, Architecture::Riscv64, Endianness::Little);
    let text = elf.add_section(elf.segment_name(StandardSegment::Text).to_vec(), b".text".to_vec(), SectionKind::Text);
    elf.append_section_data(text, code, 4);
    // psABI, "Attributes": format version, vendor section, file tag, then Tag_RISCV_arch (5) and its string.
    let arch = b"\x05rv64i2p0_m2p0_a2p0_f2p0_d2p0_c2p0_zicsr2p0_zifencei2p0_zba1p0_zbb1p0_zbs1p0\0";
    let file_size = arch.len() as u32 + 5;
    let vendor_size = file_size + 4 + 6;
    let mut attributes = b"A".to_vec();
    attributes.extend(vendor_size.to_le_bytes());
    attributes.extend(b"riscv\0\x01");
    attributes.extend(file_size.to_le_bytes());
    attributes.extend(arch);
    let kind = SectionKind::Other;
    let section = elf.add_section(Vec::new(), b".riscv.attributes".to_vec(), kind);
    elf.append_section_data(section, &attributes, 1);
    elf.section_mut(section).flags =
        SectionFlags::Elf { sh_type: object::elf::SHT_RISCV_ATTRIBUTES, sh_flags: Default::default() };

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("code.o");
    std::fs::write(&path, elf.write().unwrap()).unwrap();
    let output = Command::new(OBJDUMP)
        .args(["-d", "-z", "-M", "no-aliases", "-j", ".text"])
        .arg(&path)
        .output()
        .unwrap_or_else(|error| panic!("{OBJDUMP}: {error}; install the package binutils-riscv64-linux-gnu"));
    assert!(output.status.success(), "{OBJDUMP}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().filter_map(parse_line).collect()
}

/// `address:<tab>bits<tab>mnemonic<tab>operands`, perhaps followed by ` # comment` or ` <symbol>`.
fn parse_line(line: &str) -> Option<Line> {
    let mut columns = line.split('\t');
    let address = i64::from_str_radix(columns.next()?.trim().strip_suffix(':')?, 16).ok()?;
    columns.next()?;
    let mnemonic = columns.next()?.trim();
    let operands = columns.next().unwrap_or_default();
    let operands = operands.split(" #").next()?.split(" <").next()?.trim();
    Some(Line {
        address,
        mnemonic: (!mnemonic.starts_with('.')).then(|| mnemonic.to_owned()),
        operands: operands.split(',').filter(|operand| !operand.is_empty()).map(str::to_owned).collect(),
    })
}

/// Numbers in one notation, so that `0x1f` equals `31` and a negative target its wrapped form.
fn canonical(operand: &str) -> String {
    let number = match operand.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|value| value as i64),
        None => operand.parse().ok(),
    };
    number.map_or_else(|| operand.to_owned(), |value| value.to_string())
}

/// Our instruction's mnemonic and operands, with displacements turned into the addresses that objdump prints.
fn printed(instruction: &Instruction, address: i64) -> (String, Vec<String>) {
    let text = instruction.to_string();
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((&text, ""));
    let operand = |operand: &str| match operand.strip_prefix('.') {
        Some(displacement) => (address + displacement.parse::<i64>().unwrap()).to_string(),
        None => canonical(operand),
    };
    (mnemonic.to_owned(), operands.split(", ").filter(|text| !text.is_empty()).map(operand).collect())
}

/// What objdump's compressed form means in base instructions: the ISA manual's expansions, written down once more.
/// Operands `0`, `1`, `2` are objdump's by position; everything else is literal.
const EXPANSIONS: &[(&str, &str, &[&str])] = &[
    ("c.addi4spn", "addi", &["0", "sp", "2"]),
    ("c.fld", "fld", &["0", "1"]),
    ("c.lw", "lw", &["0", "1"]),
    ("c.ld", "ld", &["0", "1"]),
    ("c.fsd", "fsd", &["0", "1"]),
    ("c.sw", "sw", &["0", "1"]),
    ("c.sd", "sd", &["0", "1"]),
    ("c.nop", "addi", &["zero", "zero", "#0"]),
    ("c.addi", "addi", &["0", "0", "1"]),
    ("c.addiw", "addiw", &["0", "0", "1"]),
    ("c.li", "addi", &["0", "zero", "1"]),
    ("c.addi16sp", "addi", &["sp", "sp", "1"]),
    ("c.lui", "lui", &["0", "1"]),
    ("c.srli", "srli", &["0", "0", "1"]),
    ("c.srli64", "srli", &["0", "0", "#0"]),
    ("c.srai", "srai", &["0", "0", "1"]),
    ("c.srai64", "srai", &["0", "0", "#0"]),
    ("c.andi", "andi", &["0", "0", "1"]),
    ("c.sub", "sub", &["0", "0", "1"]),
    ("c.xor", "xor", &["0", "0", "1"]),
    ("c.or", "or", &["0", "0", "1"]),
    ("c.and", "and", &["0", "0", "1"]),
    ("c.subw", "subw", &["0", "0", "1"]),
    ("c.addw", "addw", &["0", "0", "1"]),
    ("c.j", "jal", &["zero", "0"]),
    ("c.beqz", "beq", &["0", "zero", "1"]),
    ("c.bnez", "bne", &["0", "zero", "1"]),
    ("c.slli", "slli", &["0", "0", "1"]),
    ("c.slli64", "slli", &["0", "0", "#0"]),
    ("c.fldsp", "fld", &["0", "1"]),
    ("c.lwsp", "lw", &["0", "1"]),
    ("c.ldsp", "ld", &["0", "1"]),
    ("c.jr", "jalr", &["zero", "#0(0)"]),
    ("c.mv", "add", &["0", "zero", "1"]),
    ("c.ebreak", "ebreak", &[]),
    ("c.jalr", "jalr", &["ra", "#0(0)"]),
    ("c.add", "add", &["0", "0", "1"]),
    ("c.fsdsp", "fsd", &["0", "1"]),
    ("c.swsp", "sw", &["0", "1"]),
    ("c.sdsp", "sd", &["0", "1"]),
];

#[test]
fn every_compressed_encoding_means_what_objdump_says() {
    let halves: Vec<u16> = (0..=u16::MAX).filter(|half| half & 3 != 3).collect();
    let lines = objdump(&halves.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<u8>>());
    assert_eq!(lines.len(), halves.len());
    let mut seen = BTreeSet::new();
    for (half, line) in halves.iter().zip(&lines) {
        let ours = decode(&half.to_le_bytes());
        // binutils 2.40 prints two encodings that the manual reserves: all zero, and c.addi16sp of 0.
        let reserved_by_the_manual = matches!(*half, 0x0000 | 0x6101);
        let Some(mnemonic) = line.mnemonic.as_deref().filter(|_| !reserved_by_the_manual) else {
            assert_eq!(ours, None, "{half:#06x}");
            continue;
        };
        let (name, base, operands) = EXPANSIONS.iter().find(|row| row.0 == mnemonic).unwrap();
        seen.insert(*name);
        let argument = |position: usize| canonical(&line.operands[position]);
        let expected: Vec<String> = operands
            .iter()
            .map(|operand| match *operand {
                "0" | "1" | "2" => argument(operand.parse().unwrap()),
                "#0" => "0".to_owned(),
                "#0(0)" => format!("0({})", argument(0)),
                register => register.to_owned(),
            })
            .collect();
        let ours = ours.unwrap_or_else(|| panic!("{half:#06x} is {mnemonic} {:?}", line.operands));
        assert_eq!(ours.length, 2);
        assert_eq!(printed(&ours, line.address), ((*base).to_owned(), expected), "{half:#06x} {mnemonic}");
    }
    assert_eq!(seen.len() + 1, EXPANSIONS.len(), "every expansion occurs (2.40 prints c.nop as c.addi)");
}

/// Opcodes in which the rs2 field selects operations somewhere, or is fixed: OP-IMM, OP-IMM-32, AMO, OP, OP-32, OP-FP.
const SELECTED_BY_RS2: [u32; 6] = [0x04, 0x06, 0x0b, 0x0c, 0x0e, 0x14];

/// Words over all opcodes, funct3, funct7 and, where it says what is done, rs2; the other bits pseudo-random.
fn sampled_words() -> Vec<u32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as u32
    };
    let mut words = Vec::new();
    for opcode in (0..32).filter(|opcode| opcode & 7 != 7) {
        for function in 0..8 * 128 {
            let (funct3, funct7) = (function & 7, function >> 3);
            let some = [0, 1, 31, random() & 31];
            let all: Vec<u32> = if SELECTED_BY_RS2.contains(&opcode) { (0..32).collect() } else { some.to_vec() };
            for rs2 in all {
                let fixed = 3 | opcode << 2 | funct3 << 12 | rs2 << 20 | funct7 << 25;
                words.push(fixed | random() & 0x000f_8f80);
            }
        }
    }
    // Every number of a CSR in every form, and privileged encodings with registers that must be 0.
    words.extend((0..0x8000).map(|bits| 0x73 | (bits & 7) << 12 | (bits >> 3) << 20 | random() & 0x000f_8f80));
    // The system instructions have rd and rs1 0; so do plain forms of the fences.
    words.extend((0..4096).map(|funct12| 0x73 | funct12 << 20));
    words.extend((0..4096).flat_map(|funct12| [0x0f | funct12 << 20, 0x100f | funct12 << 20]));
    words
}

/// Instructions that objdump prints for any architecture string and that have no place on a machine-mode hart.
const PRIVILEGED: &[&str] = &["sret", "uret", "hret", "mnret", "dret", "sfence.vm", "sfence.vma"];

#[test]
fn sampled_32_bit_encodings_mean_what_objdump_says() {
    let words = sampled_words();
    let lines = objdump(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
    assert_eq!(lines.len(), words.len());
    let mut seen = BTreeSet::new();
    for (word, line) in words.iter().zip(&lines) {
        let ours = decode(&word.to_le_bytes());
        let unknown_rounding = line.operands.last().is_some_and(|operand| operand == "unknown");
        let known = |mnemonic: &&str| !unknown_rounding && !PRIVILEGED.contains(mnemonic);
        let Some(mnemonic) = line.mnemonic.as_deref().filter(known) else {
            // Where the manual is wider than binutils 2.40: fields that a fence must ignore, and the rounding mode of
            // a conversion that never rounds.
            let wider = ours.filter(|ours| match ours.op {
                Op::Fence | Op::FenceI => true,
                Op::FcvtDW | Op::FcvtDWu | Op::FcvtDS => ours.rounding != 0 && !unknown_rounding,
                _ => false,
            });
            assert_eq!(ours, wider, "{word:#010x}: objdump: {:?} {:?}", line.mnemonic, line.operands);
            continue;
        };
        let ours = ours.unwrap_or_else(|| panic!("{word:#010x} is {mnemonic} {:?}", line.operands));
        assert_eq!(ours.length, 4);
        seen.insert(ours.op);
        let (our_mnemonic, mut our_operands) = printed(&ours, line.address);
        let mut expected: Vec<String> = line.operands.iter().map(|operand| canonical(operand)).collect();
        match ours.op {
            // The ordering bits are dropped.
            Op::Fence | Op::FenceI => expected.clear(),
            // objdump knows CSRs by name: the number is compared where it prints one.
            op if Op::Csrrw <= op && op <= Op::Csrrci && expected[1].parse::<u16>().is_err() => {
                expected[1] = csr_number(&expected[1]).unwrap_or_else(|| our_operands[1].clone());
            }
            _ => {}
        }
        // Exact conversions have a rounding field that changes nothing; objdump leaves it out.
        if our_operands.len() == expected.len() + 1 && matches!(ours.op, Op::FcvtDW | Op::FcvtDWu | Op::FcvtDS) {
            our_operands.pop();
        }
        let base = mnemonic.strip_suffix(".aqrl").or(mnemonic.strip_suffix(".aq")).unwrap_or(mnemonic);
        let base = base.strip_suffix(".rl").unwrap_or(base);
        let base = if matches!(base, "fence.tso" | "pause") { "fence" } else { base };
        assert_eq!((our_mnemonic, our_operands), (base.to_owned(), expected), "{word:#010x}");
    }
    let missing: Vec<Op> = Op::all().filter(|op| !seen.contains(op)).collect();
    assert!(missing.is_empty(), "not sampled: {missing:?}");
}

#[test]
fn longer_and_cut_off_instructions_are_none() {
    for half in (0..=u16::MAX).filter(|half| half & 0x1f == 0x1f) {
        // 48 bits and more (ISA manual, "Base Instruction-Length Encoding").
        let bytes = [half.to_le_bytes(), [0x13, 0x05]].concat();
        assert_eq!(decode(&bytes), None, "{half:#06x}");
    }
    let addi = 0x0011_0113_u32.to_le_bytes();
    assert!(decode(&addi).is_some() && decode(&addi[..3]).is_none() && decode(&addi[..2]).is_none());
    assert!(decode(&[0x01]).is_none() && decode(&[]).is_none() && decode(&[0x01, 0x00]).is_some());
}

/// The CSRs that the machine has, by the names objdump uses.
fn csr_number(name: &str) -> Option<String> {
    let names = [
        ("fflags", 0x001),
        ("frm", 0x002),
        ("fcsr", 0x003),
        ("mstatus", 0x300),
        ("misa", 0x301),
        ("mie", 0x304),
        ("mtvec", 0x305),
        ("mscratch", 0x340),
        ("mepc", 0x341),
        ("mcause", 0x342),
        ("mtval", 0x343),
        ("mip", 0x344),
        ("mcycle", 0xb00),
        ("minstret", 0xb02),
        ("cycle", 0xc00),
        ("time", 0xc01),
        ("instret", 0xc02),
        ("mhartid", 0xf14),
    ];
    names.iter().find(|known| known.0 == name).map(|known: &(&str, i32)| known.1.to_string())
}
