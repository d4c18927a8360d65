//! Rules.
use super::{AppElf, ElfError};
pub(super) fn parse(_bytes: Vec<u8>) -> Result<AppElf, ElfError> {
    Err(ElfError::NotElf)
}
