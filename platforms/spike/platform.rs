//! Spike's host-target interface (riscv-isa-sim, fesvr): a word stored to `tohost` is a request, the answer comes in
//! `fromhost`. An odd request ends the run; an even one is the address of a system call for the host to carry out.

use core::cell::UnsafeCell;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::platform_interface::{Platform, Stream};

/// A word that the host reads or writes. The host finds it by its symbol, whose size must be exactly 8.
#[repr(transparent)]
struct HostWord(UnsafeCell<u64>);

// SAFETY: there is one hart, and every access goes through `volatile` methods below.
unsafe impl Sync for HostWord {}

impl HostWord {
    fn load(&self) -> u64 {
        // SAFETY: the pointer comes from a live `UnsafeCell`, aligned for u64.
        unsafe { self.0.get().read_volatile() }
    }

    fn store(&self, value: u64) {
        // SAFETY: as in `load`; nobody holds a reference to the contents.
        unsafe { self.0.get().write_volatile(value) }
    }
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)] // the host looks for exactly this symbol
static tohost: HostWord = HostWord(UnsafeCell::new(0));

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)] // the host looks for exactly this symbol
static fromhost: HostWord = HostWord(UnsafeCell::new(0));

/// The host's numbers are Linux/riscv64's.
const READ: u64 = 63;
const WRITE: u64 = 64;
const EBADF: i64 = 9;

/// The host's descriptor for public output. Spike itself has none: there, it goes where the console's goes.
const PUBLIC: u64 = 3;

/// The machine behind the interface.
pub struct Board {
    /// The host reads the call from here and writes the result to the first word.
    call: [u64; 8],
}

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board { call: [0; 8] }
    }

    /// Has the host carry out `number(fd, address, len_bytes)`; its result.
    fn host_call(&mut self, number: u64, fd: u64, address: u64, len_bytes: u64) -> i64 {
        self.call = [number, fd, address, len_bytes, 0, 0, 0, 0];
        let call = &raw mut self.call;
        compiler_fence(Ordering::SeqCst);
        tohost.store(call as u64);
        while fromhost.load() == 0 {}
        fromhost.store(0);
        compiler_fence(Ordering::SeqCst);
        // SAFETY: `call` points at our own field; the host has written its first word.
        unsafe { (*call)[0].cast_signed() }
    }

    /// Has the host write `bytes`; false if it does not know `fd`.
    fn write(&mut self, fd: u64, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.host_call(WRITE, fd, rest.as_ptr() as u64, rest.len() as u64);
            // A console that takes nothing any more (a closed pipe) must not hang the run.
            let Some(behind) = usize::try_from(written).ok().filter(|&count| count > 0) else {
                return written != -EBADF;
            };
            rest = rest.get(behind..).unwrap_or_default();
        }
        true
    }
}

impl Platform for Board {
    fn write_console(&mut self, stream: Stream, bytes: &[u8]) {
        let fd = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        self.write(fd, bytes);
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.host_call(READ, 0, buffer.as_mut_ptr() as u64, buffer.len() as u64);
        usize::try_from(count).unwrap_or(0).min(buffer.len())
    }

    fn write_output(&mut self, bytes: &[u8]) {
        if !self.write(PUBLIC, bytes) {
            self.write_console(Stream::Output, bytes);
        }
    }

    fn exit(&mut self, status: i32) -> ! {
        loop {
            tohost.store((status.cast_unsigned() as u64) << 1 | 1);
        }
    }
}
