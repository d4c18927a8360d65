//! What RV64IM computes and compares (RISC-V unprivileged ISA, chapters "RV32I", "RV64I" and "M"), on SP1's decoded opcodes.

use sp1_core_executor::Opcode;

/// The result of a computation on registers or a register and an immediate; `None` if the opcode is no computation.
pub fn compute(opcode: Opcode, b: u64, c: u64) -> Option<u64> {
    let (signed_b, signed_c) = (b.cast_signed(), c.cast_signed());
    let (word_b, word_c) = (b as u32, c as u32);
    let word = |value: u32| i64::from(value.cast_signed()).cast_unsigned();
    Some(match opcode {
        Opcode::ADD | Opcode::ADDI => b.wrapping_add(c),
        Opcode::SUB => b.wrapping_sub(c),
        Opcode::XOR => b ^ c,
        Opcode::OR => b | c,
        Opcode::AND => b & c,
        Opcode::SLL => b << (c & 63),
        Opcode::SRL => b >> (c & 63),
        Opcode::SRA => (signed_b >> (c & 63)).cast_unsigned(),
        Opcode::SLT => u64::from(signed_b < signed_c),
        Opcode::SLTU => u64::from(b < c),
        Opcode::ADDW => word(word_b.wrapping_add(word_c)),
        Opcode::SUBW => word(word_b.wrapping_sub(word_c)),
        Opcode::SLLW => word(word_b << (c & 31)),
        Opcode::SRLW => word(word_b >> (c & 31)),
        Opcode::SRAW => word((word_b.cast_signed() >> (c & 31)).cast_unsigned()),
        Opcode::MUL => b.wrapping_mul(c),
        Opcode::MULH => ((i128::from(signed_b) * i128::from(signed_c)) >> 64) as u64,
        Opcode::MULHU => ((u128::from(b) * u128::from(c)) >> 64) as u64,
        Opcode::MULHSU => ((i128::from(signed_b) * i128::from(c)) >> 64) as u64,
        Opcode::MULW => word(word_b.wrapping_mul(word_c)),
        // Division by zero gives all ones, and leaves the whole dividend; an overflow gives the dividend, and leaves nothing.
        Opcode::DIV if c == 0 => u64::MAX,
        Opcode::DIV => signed_b.wrapping_div(signed_c).cast_unsigned(),
        Opcode::DIVU => b.checked_div(c).unwrap_or(u64::MAX),
        Opcode::REM if c == 0 => b,
        Opcode::REM => signed_b.wrapping_rem(signed_c).cast_unsigned(),
        Opcode::REMU => b.checked_rem(c).unwrap_or(b),
        Opcode::DIVW if word_c == 0 => u64::MAX,
        Opcode::DIVW => word(word_b.cast_signed().wrapping_div(word_c.cast_signed()).cast_unsigned()),
        Opcode::DIVUW => word(word_b.checked_div(word_c).unwrap_or(u32::MAX)),
        Opcode::REMW if word_c == 0 => word(word_b),
        Opcode::REMW => word(word_b.cast_signed().wrapping_rem(word_c.cast_signed()).cast_unsigned()),
        Opcode::REMUW => word(word_b.checked_rem(word_c).unwrap_or(word_b)),
        _ => return None,
    })
}

/// Is the branch taken? `None` if the opcode is no branch.
pub fn taken(opcode: Opcode, a: u64, b: u64) -> Option<bool> {
    Some(match opcode {
        Opcode::BEQ => a == b,
        Opcode::BNE => a != b,
        Opcode::BLT => a.cast_signed() < b.cast_signed(),
        Opcode::BGE => a.cast_signed() >= b.cast_signed(),
        Opcode::BLTU => a < b,
        Opcode::BGEU => a >= b,
        _ => return None,
    })
}
