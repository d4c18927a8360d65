//! The instruction set of a machine, as `platform.toml` names it.

use std::fmt;

use crate::isa::{Extension, Instruction};

/// What a hart can execute beyond RV64I with the M extension, which every machine here has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InstructionSet {
    text: String,
    /// A: lr, sc, amo.
    pub atomics: bool,
    /// F.
    pub float: bool,
    /// D.
    pub double: bool,
    /// C.
    pub compressed: bool,
    /// Zba: shift and add.
    pub zba: bool,
    /// Zbb: basic bit manipulation.
    pub zbb: bool,
    /// Zbs: single bits.
    pub zbs: bool,
    /// Zicclsm: misaligned loads and stores of main memory work (RISC-V profiles, "RVA20U64 mandatory").
    pub zicclsm: bool,
}

impl InstructionSet {
    /// Reads `rv64…` in the ISA manual's naming, letters first and each other extension behind `_`; `g` abbreviates `imafd`.
    ///
    /// # Errors
    /// What was found, and what was expected.
    pub fn parse(text: &str) -> Result<InstructionSet, String> {
        let expected = "expected rv64, then i and m or g, letters of afdc, and zba, zbb, zbs, zicclsm, each behind `_`";
        let refuse = |what: &str| Err(format!("isa is `{text}`: {what}; {expected}"));
        let mut parts = text.split('_');
        let Some(letters) = parts.next().and_then(|first| first.strip_prefix("rv64")) else {
            return refuse("it is no 64-bit RISC-V");
        };
        let letters = letters.replacen('g', "imafd", 1);
        let mut set = InstructionSet { text: text.to_owned(), ..InstructionSet::default() };
        if !letters.contains('i') || !letters.contains('m') {
            return refuse("i or m is missing");
        }
        for letter in letters.chars() {
            match letter {
                'i' | 'm' => {}
                'a' => set.atomics = true,
                'f' => set.float = true,
                'd' => set.double = true,
                'c' => set.compressed = true,
                _ => return refuse(&format!("`{letter}` is not known")),
            }
        }
        for part in parts {
            match part {
                "zba" => set.zba = true,
                "zbb" => set.zbb = true,
                "zbs" => set.zbs = true,
                "zicclsm" => set.zicclsm = true,
                _ => return refuse(&format!("`{part}` is not known")),
            }
        }
        if set.double && !set.float {
            return refuse("d needs f");
        }
        Ok(set)
    }

    /// Whether `extension` is in it.
    pub fn has(&self, extension: Extension) -> bool {
        match extension {
            Extension::A => self.atomics,
            Extension::C => self.compressed,
            Extension::F => self.float,
            Extension::D => self.double,
            Extension::Zba => self.zba,
            Extension::Zbb => self.zbb,
            Extension::Zbs => self.zbs,
        }
    }

    /// Whether `instruction` is in it. The CSRs of a machine are another matter.
    pub fn executes(&self, instruction: &Instruction) -> bool {
        instruction.extensions().all(|extension| self.has(extension))
    }

    /// AT_HWCAP: bit n for extension letter n (arch/riscv/include/uapi/asm/hwcap.h).
    pub fn hwcap_bits(&self) -> u64 {
        let letters = [
            ('i', true),
            ('m', true),
            ('a', self.atomics),
            ('f', self.float),
            ('d', self.double),
            ('c', self.compressed),
        ];
        letters.into_iter().filter(|&(_, has)| has).map(|(letter, _)| 1 << (letter as u32 - 'a' as u32)).sum()
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_manual_writes_them() {
        let set = InstructionSet::parse("rv64gc_zba").unwrap();
        assert!(set.atomics && set.float && set.double && set.compressed && set.zba && !set.zbb);
        let set = InstructionSet::parse("rv64im_zicclsm").unwrap();
        assert!(!set.atomics && !set.compressed && set.zicclsm);
        assert_eq!(set.to_string(), "rv64im_zicclsm");
        assert_eq!(set.hwcap_bits(), 1 << 8 | 1 << 12);
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (text, named) in
            [("rv32i", "64-bit"), ("rv64i", "m is missing"), ("rv64imq", "`q`"), ("rv64im_zfoo", "zfoo")]
        {
            assert!(InstructionSet::parse(text).unwrap_err().contains(named), "{text}");
        }
    }
}
