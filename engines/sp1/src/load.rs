//! From an image to a program of SP1's.

use sp1_core_executor::Program;
use std::sync::Arc;
use zeroos_engine_driver::{Refusal, catching};

/// Decodes an image.
///
/// # Errors
/// If SP1 does not take it.
pub fn program(image: &[u8]) -> Result<Arc<Program>, Refusal> {
    let program = match catching(|| Program::from(image).map_err(|error| error.to_string())) {
        Ok(Ok(program)) => program,
        Ok(Err(message)) | Err(message) => return Err(refusal(&message)),
    };
    if program.enable_untrusted_programs {
        return Err(refusal("it asks for code that is made at run time, which this engine does not check"));
    }
    for (number, word) in program.instructions_encoded.iter().flatten().enumerate() {
        if !is_rv64im(*word) {
            let address = program.pc_base + 4 * number as u64;
            return Err(refusal(&format!(
                "Cannot decode instruction: 0x{word:x} (at {address:#x}; SP1 itself would take it for another one)"
            )));
        }
    }
    Ok(Arc::new(program))
}

/// Is this an encoding that RV64IM has, or the system instructions that SP1 stops at? SP1's decoder does not look at all bits: it
/// takes `clz`, `sext.b`, `bseti` and more for shifts.
fn is_rv64im(word: u32) -> bool {
    let (opcode, funct3, funct7) = (word & 0x7f, word >> 12 & 7, word >> 25);
    match opcode {
        // LUI, AUIPC, JAL, and SYSTEM, of which everything but `ecall` stops the program
        0x37 | 0x17 | 0x6f | 0x73 => true,
        // JALR, FENCE
        0x67 | 0x0f => funct3 == 0,
        // BRANCH
        0x63 => !matches!(funct3, 2 | 3),
        // LOAD, STORE
        0x03 => funct3 != 7,
        0x23 => funct3 < 4,
        // OP-IMM: shifts have 6 bits of amount
        0x13 if funct3 == 1 => funct7 & !1 == 0,
        0x13 if funct3 == 5 => matches!(funct7 & !1, 0 | 0x20),
        0x13 => true,
        // OP-IMM-32
        0x1b => match funct3 {
            0 => true,
            1 => funct7 == 0,
            5 => matches!(funct7, 0 | 0x20),
            _ => false,
        },
        // OP, OP-32: the base, multiplication and division, subtraction and arithmetic shift
        0x33 => matches!(funct7, 0 | 1) || funct7 == 0x20 && matches!(funct3, 0 | 5),
        0x3b => match funct7 {
            0 => matches!(funct3, 0 | 1 | 5),
            1 => matches!(funct3, 0 | 4..=7),
            0x20 => matches!(funct3, 0 | 5),
            _ => false,
        },
        _ => false,
    }
}

fn refusal(message: &str) -> Refusal {
    let help = if message.starts_with("Cannot decode instruction") {
        "; SP1 is RV64IM and decodes every word of an executable segment: no compressed, atomic or floating-point instruction, and no data"
    } else if message.contains("STACK_TOP") {
        "; every segment must lie at or above 0x78000000"
    } else if message == "unsupported elf structure" {
        "; segments must be in ascending order, and the executable ones follow each other without a gap"
    } else {
        "; is it an image that `zeroos build --platform sp1` wrote?"
    };
    Refusal::new(format!("SP1 does not load the image: {message}{help}"))
}
