//! From an image and an input to a machine that is ready to run: ZisK's transpiler makes the program, its memory is laid out as
//! in ZisK's own memory map.

use crate::stdout::silenced;
use zeroos_engine_driver::{Refusal, catching};
use zisk_core::{DataSection, DataSection64, INPUT_ADDR, InstContext, MAX_STDIN_SIZE, RAM_ADDR, RAM_SIZE, ZiskRom};

/// Where the program finds the length of its input, and behind it the input. The word before is ZisK's free input.
const INPUT_LENGTH_ADDR: u64 = INPUT_ADDR + 8;

/// Transpiles an image.
///
/// # Errors
/// If ZisK does not take it.
pub fn program(image: &[u8]) -> Result<ZiskRom, Refusal> {
    let result = silenced(|| catching(|| zisk_riscv::elf2rom(image).map_err(|error| error.to_string())))
        .map_err(|error| Refusal::new(format!("cannot keep ZisK from printing: {error}")))?;
    match result {
        Ok(Ok(rom)) => Ok(rom),
        Ok(Err(message)) | Err(message) => Err(Refusal::new(format!(
            "ZisK does not load the image: {message} (is it an image that `zeroos build --platform zisk` wrote?)"
        ))),
    }
}

/// The state before the first instruction.
///
/// # Errors
/// If the input is too long, or the image's data does not fit into ZisK's memory.
pub fn state(rom: &ZiskRom, input: &[u8]) -> Result<InstContext, Refusal> {
    let length = input.len() as u64;
    if length > MAX_STDIN_SIZE - 8 {
        return Err(Refusal::new(format!(
            "the private input has {length} bytes; ZisK has room for {} behind its length",
            MAX_STDIN_SIZE - 8
        )));
    }
    catching(|| {
        let mut state = InstContext::new();
        // Sections are searched by halving, so they come in the order of their addresses.
        let mut section = length.to_le_bytes().to_vec();
        section.extend_from_slice(input);
        state.input_len = section.len() as u64;
        state.mem.add_read_section(INPUT_LENGTH_ADDR, &section);
        for section in &rom.ro_data_64 {
            state.mem.add_read_section(section.addr, &bytes(section));
        }
        state.mem.add_write_section(RAM_ADDR, RAM_SIZE);
        for section in &rom.rw_data_64 {
            state.mem.init_write_section_data(&DataSection { addr: section.addr, data: bytes(section) });
        }
        state
    })
    .map_err(|message| Refusal::new(format!("the image's data does not fit into ZisK's memory: {message}")))
}

fn bytes(section: &DataSection64) -> Vec<u8> {
    section.data.iter().flat_map(|word| word.to_le_bytes()).collect()
}
