//! Why a file was not accepted: what was found, what was expected, and how to build one that fits.

use crate::address::AddressRange;
use crate::diagnostic::Diagnose;

/// What is wrong with the input.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// No bytes at all.
    #[error("the file is empty; expected a statically linked RISC-V Linux ELF")]
    Empty,
    /// Something else than ELF.
    #[error("this is {found}, not an ELF file; expected a statically linked RISC-V Linux ELF")]
    NotElf {
        /// What the first bytes look like.
        found: &'static str,
    },
    /// `ELFCLASS32`.
    #[error("this is a 32-bit ELF; expected a 64-bit one (riscv64)")]
    Not64Bit,
    /// `ELFDATA2MSB`.
    #[error("this is a big-endian ELF; expected a little-endian one (riscv64)")]
    BigEndian,
    /// Another instruction set.
    #[error("this program is for {found}; expected RISC-V (riscv64)")]
    OtherMachine {
        /// The machine's name, or its `e_machine` number.
        found: String,
    },
    /// Not `ET_EXEC` or `ET_DYN`.
    #[error("this is {found}; expected a linked program")]
    NotAProgram {
        /// The file type.
        found: String,
    },
    /// It needs a program interpreter.
    #[error("this program is dynamically linked (it asks for the interpreter `{interpreter}`); expected a static one")]
    Dynamic {
        /// `PT_INTERP`.
        interpreter: String,
    },
    /// It names libraries, or is a library.
    #[error("this is a shared library or needs shared libraries ({found}); expected a static program")]
    NeedsLibraries {
        /// What shows it.
        found: String,
    },
    /// The headers name bytes that the file does not have.
    #[error("the file is cut short: {what} ends at byte {end}, the file at byte {file_size}")]
    Truncated {
        /// Which part.
        what: String,
        /// First byte behind it.
        end: u64,
        /// Size of the file in bytes.
        file_size: u64,
    },
    /// Two load segments share addresses.
    #[error("the load segments {first} and {second} overlap")]
    Overlap {
        /// The lower one.
        first: AddressRange,
        /// The other one.
        second: AddressRange,
    },
    /// A header breaks the ELF specification or asks for what no program needs.
    #[error("malformed ELF: {what}")]
    Malformed {
        /// What was found and what was expected.
        what: String,
    },
}

impl Diagnose for ElfError {
    fn code(&self) -> &'static str {
        match self {
            ElfError::Empty | ElfError::NotElf { .. } => "ZOS-E0101",
            ElfError::Not64Bit => "ZOS-E0102",
            ElfError::BigEndian => "ZOS-E0103",
            ElfError::OtherMachine { .. } => "ZOS-E0104",
            ElfError::Dynamic { .. } | ElfError::NeedsLibraries { .. } => "ZOS-E0105",
            ElfError::NotAProgram { .. } => "ZOS-E0106",
            ElfError::Truncated { .. } => "ZOS-E0107",
            ElfError::Overlap { .. } | ElfError::Malformed { .. } => "ZOS-E0108",
        }
    }

    fn help(&self) -> String {
        const BUILD: &str = "build with `cargo build --target riscv64gc-unknown-linux-musl`, or \
             `riscv64-linux-musl-gcc -static`, or `zig cc -target riscv64-linux-musl`";
        match self {
            ElfError::Dynamic { .. } | ElfError::NeedsLibraries { .. } => format!(
                "link it statically: `-static` (or `-static-pie`) for gcc and clang, `-C target-feature=+crt-static` \
                 for Rust; or {BUILD}"
            ),
            ElfError::NotAProgram { .. } => format!("link it into a program first; {BUILD}"),
            ElfError::Truncated { .. } => {
                "copy or build the file again; the download or the build was cut short".into()
            }
            ElfError::Overlap { .. } | ElfError::Malformed { .. } => {
                "build the file again with a current linker; if it runs under `qemu-riscv64`, please report this".into()
            }
            _ => BUILD.into(),
        }
    }
}
