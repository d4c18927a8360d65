//! The privilege mode that program and kernel share, and the names by which the hardware serves traps there (privileged ISA
//! manual, "Machine-Level CSRs" and "Supervisor CSRs": the same registers, under another letter and number).

/// In which mode everything behind the bootloader runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Privilege {
    /// The mode of reset.
    Machine,
    /// Behind a page table.
    Supervisor,
}

impl Privilege {
    /// The first letter of its CSRs and of the instruction that returns from a trap.
    pub fn letter(self) -> char {
        match self {
            Privilege::Machine => 'm',
            Privilege::Supervisor => 's',
        }
    }

    /// Its name in the manual.
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Machine => "machine",
            Privilege::Supervisor => "supervisor",
        }
    }

    /// `mscratch` or `sscratch`.
    pub fn scratch(self) -> u16 {
        self.csr(0x40)
    }

    /// `mepc` or `sepc`.
    pub fn epc(self) -> u16 {
        self.csr(0x41)
    }

    /// A CSR that both modes have, by the low bits of its number: bits 9–8 are the mode.
    fn csr(self, low_bits: u16) -> u16 {
        match self {
            Privilege::Machine => 0x300 | low_bits,
            Privilege::Supervisor => 0x100 | low_bits,
        }
    }

    /// The exception code of an `ecall` in this mode.
    pub fn environment_call(self) -> u64 {
        match self {
            Privilege::Machine => 11,
            Privilege::Supervisor => 9,
        }
    }

    /// The status field that says into which mode a trap returns, and its bits for this one.
    pub fn previous(self) -> (&'static str, &'static str) {
        match self {
            Privilege::Machine => ("MPP", "0x1800"),
            Privilege::Supervisor => ("SPP", "0x0100"),
        }
    }
}
