//! `[costs]` of `platform.toml`: what instructions cost on machines where not all cost the same, in the machine's cycles.

use serde::{Deserialize, Serialize};

use crate::isa::Op;

/// Cycles by class of instruction; every class is given, so that none is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostTable {
    /// Loads of 1, 2 and 4 bytes.
    pub load: u32,
    /// Loads of 8 bytes.
    pub load_double: u32,
    /// Stores of 1, 2 and 4 bytes.
    pub store: u32,
    /// Stores of 8 bytes.
    pub store_double: u32,
    /// Conditional branches, taken or not.
    pub branch: u32,
    /// `jal`, `jalr`.
    pub jump: u32,
    /// The multiplications of M.
    pub multiply: u32,
    /// Its divisions and remainders.
    pub divide: u32,
    /// Atomic accesses of 4 bytes.
    pub atomic: u32,
    /// Atomic accesses of 8 bytes.
    pub atomic_double: u32,
    /// `ecall`, `ebreak`.
    pub system: u32,
    /// All else.
    pub other: u32,
    /// Which sequences of instructions count as one, if any do.
    pub fusion: Option<Fusion>,
}

/// Rules by which a machine takes several instructions for one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// CKB-VM's macro-operation fusion, version 2 (crate ckb-vm 0.24, `decoder.rs`, `decode_mop`).
    CkbVm,
}

impl CostTable {
    /// What `op` costs by itself.
    pub fn of(&self, op: Op) -> u32 {
        match op {
            Op::Ld | Op::Fld => self.load_double,
            Op::Lb | Op::Lh | Op::Lw | Op::Lbu | Op::Lhu | Op::Lwu | Op::Flw => self.load,
            Op::Sd | Op::Fsd => self.store_double,
            Op::Sb | Op::Sh | Op::Sw | Op::Fsw => self.store,
            Op::Beq | Op::Bne | Op::Blt | Op::Bge | Op::Bltu | Op::Bgeu => self.branch,
            Op::Jal | Op::Jalr => self.jump,
            Op::Ecall | Op::Ebreak => self.system,
            Op::Mul | Op::Mulh | Op::Mulhsu | Op::Mulhu | Op::Mulw => self.multiply,
            op if (Op::Div..=Op::Remuw).contains(&op) => self.divide,
            op if (Op::LrW..=Op::AmomaxuW).contains(&op) => self.atomic,
            op if (Op::LrD..=Op::AmomaxuD).contains(&op) => self.atomic_double,
            _ => self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "load = 1\nload_double = 2\nstore = 3\nstore_double = 4\nbranch = 5\njump = 6\nmultiply = 7\ndivide = 8\n\
        atomic = 9\natomic_double = 10\nsystem = 11\nother = 12\n";

    #[test]
    fn every_instruction_has_its_class() {
        let table: CostTable = toml::from_str(TABLE).unwrap();
        let classes = [
            (Op::Lwu, 1),
            (Op::Ld, 2),
            (Op::Sb, 3),
            (Op::Sd, 4),
            (Op::Bgeu, 5),
            (Op::Jalr, 6),
            (Op::Mulw, 7),
            (Op::Div, 8),
            (Op::Remuw, 8),
            (Op::LrW, 9),
            (Op::AmomaxuW, 9),
            (Op::LrD, 10),
            (Op::AmomaxuD, 10),
            (Op::Ecall, 11),
            (Op::Addi, 12),
            (Op::Fence, 12),
            (Op::Rev8, 12),
        ];
        for (op, cycles) in classes {
            assert_eq!(table.of(op), cycles, "{op:?}");
        }
    }

    #[test]
    fn a_class_that_is_missing_or_unknown_is_an_error() {
        let read = |text: &str| toml::from_str::<CostTable>(text);
        assert_eq!(read(&format!("{TABLE}fusion = \"ckb-vm\"")).unwrap().fusion, Some(Fusion::CkbVm));
        assert!(read(&format!("{TABLE}fusion = \"other\"")).is_err());
        assert!(read(&format!("{TABLE}float = 3")).is_err() && read(&TABLE.replace("jump = 6\n", "")).is_err());
    }
}
