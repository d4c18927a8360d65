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
    Ok(Arc::new(program))
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
