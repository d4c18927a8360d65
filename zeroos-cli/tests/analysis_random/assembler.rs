//! A small assembler: instruction words with labels, laid out as the bytes of a static ELF file without any tool's help.

/// A place in one of the sections, perhaps not known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(usize);

/// Where the file's segments lie in memory: headers, code and constants, then data.
pub const TEXT: u64 = 0x10000;
const CODE: u64 = TEXT + 0x200;
pub const DATA: u64 = 0x80000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    Code,
    Constants,
    Data,
}

#[derive(Clone, Copy)]
enum Fix {
    Branch,
    Jump,
    /// `auipc` and an I-format instruction behind it.
    Pair,
    Quad,
    /// A 32-bit distance from the label.
    Distance(Label),
}

/// Sections that grow.
#[derive(Default)]
pub struct Assembler {
    sections: [Vec<u8>; 3],
    labels: Vec<Option<(Section, u64)>>,
    fixes: Vec<(Section, usize, Label, Fix)>,
    /// Where words of data hold addresses.
    pub relocated: Vec<u64>,
    /// What gets a symbol, if any does.
    pub functions: Vec<Label>,
}

impl Assembler {
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// A label at the end of `section` as it is now.
    pub fn here(&mut self, section: Section) -> Label {
        let label = self.label();
        self.bind(label, section);
        label
    }

    pub fn bind(&mut self, label: Label, section: Section) {
        self.labels[label.0] = Some((section, self.sections[section as usize].len() as u64));
    }

    pub fn word(&mut self, word: u32) {
        self.sections[0].extend(word.to_le_bytes());
    }

    pub fn half(&mut self, half: u16) {
        self.sections[0].extend(half.to_le_bytes());
    }

    pub fn register(&mut self, bits: u32, rd: u8, rs1: u8, rs2: u8) {
        self.word(bits | u32::from(rd) << 7 | u32::from(rs1) << 15 | u32::from(rs2) << 20);
    }

    pub fn immediate(&mut self, bits: u32, rd: u8, rs1: u8, immediate: i32) {
        self.word(bits | u32::from(rd) << 7 | u32::from(rs1) << 15 | (immediate as u32) << 20);
    }

    pub fn store(&mut self, bits: u32, rs2: u8, rs1: u8, offset: i32) {
        let offset = offset as u32;
        let split = (offset & 0x1f) << 7 | (offset >> 5 & 0x7f) << 25;
        self.word(bits | split | u32::from(rs1) << 15 | u32::from(rs2) << 20);
    }

    pub fn branch(&mut self, bits: u32, rs1: u8, rs2: u8, target: Label) {
        self.fix(Section::Code, target, Fix::Branch);
        self.register(bits, 0, rs1, rs2);
    }

    pub fn jump(&mut self, link: u8, target: Label) {
        self.fix(Section::Code, target, Fix::Jump);
        self.word(0x6f | u32::from(link) << 7);
    }

    /// `auipc rd` and `addi rd, rd`.
    pub fn address(&mut self, rd: u8, target: Label) {
        self.fix(Section::Code, target, Fix::Pair);
        self.word(0x17 | u32::from(rd) << 7);
        self.immediate(ADDI, rd, rd, 0);
    }

    pub fn align(&mut self, section: Section, to: usize) {
        let bytes = &mut self.sections[section as usize];
        bytes.resize(bytes.len().next_multiple_of(to), 0);
    }

    pub fn bytes(&mut self, section: Section, bytes: &[u8]) {
        self.sections[section as usize].extend(bytes);
    }

    /// A word that holds the address of `target`.
    pub fn quad(&mut self, section: Section, target: Label) {
        self.fix(section, target, Fix::Quad);
        self.bytes(section, &[0; 8]);
    }

    pub fn distance(&mut self, section: Section, target: Label, from: Label) {
        self.fix(section, target, Fix::Distance(from));
        self.bytes(section, &[0; 4]);
    }

    fn fix(&mut self, section: Section, target: Label, fix: Fix) {
        self.fixes.push((section, self.sections[section as usize].len(), target, fix));
    }

    /// The address of a section; of code and constants only when the code is complete.
    pub fn base(&self, section: Section) -> u64 {
        match section {
            Section::Code => CODE,
            Section::Constants => (CODE + self.sections[0].len() as u64).next_multiple_of(16),
            Section::Data => DATA,
        }
    }

    /// The bytes of a section.
    pub fn contents(&self, section: Section) -> &[u8] {
        &self.sections[section as usize]
    }

    pub fn address_of(&self, label: Label) -> u64 {
        let (section, offset) = self.labels[label.0].unwrap();
        self.base(section) + offset
    }

    /// Puts all addresses in; `None` if a branch does not reach its target.
    pub fn resolve(&mut self) -> Option<()> {
        for (section, at, target, fix) in std::mem::take(&mut self.fixes) {
            let place = self.base(section) + at as u64;
            let value = self.address_of(target);
            let away = value.wrapping_sub(place) as i64 as i32;
            let bits = away as u32;
            match fix {
                Fix::Branch if (-4096..4096).contains(&away) => {
                    let low = (bits >> 1 & 0xf) << 8 | (bits >> 11 & 1) << 7;
                    self.set_bits(at, low | (bits >> 5 & 0x3f) << 25 | (bits >> 12 & 1) << 31);
                }
                Fix::Branch => return None,
                Fix::Jump => {
                    let low = (bits >> 12 & 0xff) << 12 | (bits >> 11 & 1) << 20;
                    self.set_bits(at, low | (bits >> 1 & 0x3ff) << 21 | (bits >> 20 & 1) << 31);
                }
                Fix::Pair => {
                    self.set_bits(at, bits.wrapping_add(0x800) & 0xffff_f000);
                    self.set_bits(at + 4, bits << 20);
                }
                Fix::Quad => {
                    self.sections[section as usize][at..at + 8].copy_from_slice(&value.to_le_bytes());
                    if section == Section::Data {
                        self.relocated.push(place);
                    }
                }
                Fix::Distance(from) => {
                    let distance = value.wrapping_sub(self.address_of(from)) as u32;
                    self.sections[section as usize][at..at + 4].copy_from_slice(&distance.to_le_bytes());
                }
            }
        }
        Some(())
    }

    fn set_bits(&mut self, at: usize, bits: u32) {
        for (byte, more) in self.sections[0][at..at + 4].iter_mut().zip(bits.to_le_bytes()) {
            *byte |= more;
        }
    }
}

pub const ADDI: u32 = 0x13;
