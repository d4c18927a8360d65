//! Why a file was not accepted.

use crate::diagnostic::Diagnose;

/// What is wrong with the input.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// placeholder
    #[error("not an ELF file")]
    NotElf,
}

impl Diagnose for ElfError {
    fn code(&self) -> &'static str {
        "ZOS-E0101"
    }

    fn help(&self) -> String {
        String::new()
    }
}
