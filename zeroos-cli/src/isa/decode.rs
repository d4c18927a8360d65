//! Bits to [`Instruction`] (ISA manual, "RV32/64G Instruction Set Listings" and the "C" chapter).

use super::Instruction;

/// Decodes the instruction at the start of `bytes` (little-endian).
///
/// Returns `None` for a reserved or unknown encoding, or when `bytes` holds fewer than the instruction's 2 or 4 bytes.
pub fn decode(bytes: &[u8]) -> Option<Instruction> {
    let _ = bytes;
    todo!("isa: decode")
}
