//! ckb-vm's host calls (crate ckb-vm 0.24.15): `ecall`, the number in a7, arguments in a0–a2, the result in a0. Exit is the
//! chain's own; the others are what the engine in `engines/` offers (engines/README.md).

use core::arch::asm;

use crate::platform_interface::{Platform, Stream};

const EXIT: usize = 93;
const CONSOLE_WRITE: usize = 23040;
const INPUT_READ: usize = 23042;
const PUBLIC_WRITE: usize = 23043;

/// A run on ckb-vm.
pub struct Board {
    /// How much of the input was given away.
    input_position: usize,
}

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board { input_position: 0 }
    }
}

/// Calls the host; what a0 becomes.
#[inline(always)]
fn host_call(number: usize, a0: usize, a1: usize, a2: usize) -> usize {
    let result;
    // SAFETY: the host changes a0 and, for INPUT_READ, the buffer that the caller owns; every other register keeps its value.
    unsafe { asm!("ecall", in("a7") number, inlateout("a0") a0 => result, in("a1") a1, in("a2") a2, options(nostack)) };
    result
}

impl Platform for Board {
    fn write_console(&mut self, stream: Stream, bytes: &[u8]) {
        let descriptor = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        host_call(CONSOLE_WRITE, descriptor, bytes.as_ptr().expose_provenance(), bytes.len());
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        let address = buffer.as_mut_ptr().expose_provenance();
        let count = host_call(INPUT_READ, address, self.input_position, buffer.len()).min(buffer.len());
        self.input_position += count;
        count
    }

    fn write_output(&mut self, bytes: &[u8]) {
        host_call(PUBLIC_WRITE, bytes.as_ptr().expose_provenance(), bytes.len(), 0);
    }

    fn exit(&mut self, status: i32) -> ! {
        loop {
            host_call(EXIT, status.cast_unsigned() as usize, 0, 0);
        }
    }
}
