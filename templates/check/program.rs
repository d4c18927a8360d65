//! The program that `zeroos platform check` builds for a platform and runs there: an ordinary static Linux program without a
//! library, that does what its first argument says and exits with 0 if that went well. It is linked with code and data far
//! apart where the platform wants that.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};
use core::slice;

global_asm!(".globl _start", "_start:", "mv a0, sp", "andi sp, sp, -16", "call zeroos_check_main",);

const OPENAT: usize = 56;
const READ: usize = 63;
const WRITE: usize = 64;
const EXIT_GROUP: usize = 94;
const FUTEX: usize = 98;
const MMAP: usize = 222;

const AT_FDCWD: isize = -100;
const O_WRONLY: usize = 1;
const PROT_READ_WRITE: usize = 3;
const MAP_PRIVATE_ANONYMOUS: usize = 0x22;
const ENOMEM: isize = -12;

/// Bytes of the largest piece that is read or mapped at once.
const PIECE: usize = 64 << 10;

/// More than any machine's initial data should need: it shows that zeroed memory is zero.
static mut ZEROED: [u8; PIECE] = [0; PIECE];
/// Initialised, and changed: it shows that data is loaded and can be written.
static mut COUNTER: u64 = 41;

fn call(number: usize, [a0, a1, a2, a3, a4, a5]: [usize; 6]) -> isize {
    let result;
    // SAFETY: a system call changes a0 and the memory that it is told to change, which its callers own.
    unsafe {
        asm!(
            "ecall",
            in("a7") number,
            inlateout("a0") a0 => result,
            in("a1") a1,
            in("a2") a2,
            in("a3") a3,
            in("a4") a4,
            in("a5") a5,
            options(nostack),
        );
    }
    result
}

fn exit(status: usize) -> ! {
    call(EXIT_GROUP, [status, 0, 0, 0, 0, 0]);
    loop {}
}

fn write(fd: isize, bytes: &[u8]) -> bool {
    call(WRITE, [fd as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0, 0]) == bytes.len() as isize
}

fn open(path: &[u8], flags: usize) -> isize {
    call(OPENAT, [AT_FDCWD as usize, path.as_ptr() as usize, flags, 0, 0, 0])
}

/// All that can be read from `fd`, handed to `each`; whether nothing failed.
fn read_all(fd: isize, mut each: impl FnMut(&[u8]) -> bool) -> bool {
    // SAFETY: this is the only thread, and nobody else holds the buffer meanwhile.
    let buffer = unsafe { slice::from_raw_parts_mut((&raw mut ZEROED).cast::<u8>(), PIECE) };
    loop {
        match call(READ, [fd as usize, buffer.as_mut_ptr() as usize, PIECE, 0, 0, 0]) {
            0 => return true,
            count @ 1.. if each(&buffer[..count as usize]) => {}
            _ => return false,
        }
    }
}

/// Data and zeroed memory are what the program was linked with, and can be changed.
fn boot() -> bool {
    // SAFETY: nobody writes to it in this run.
    let zeroed = unsafe { slice::from_raw_parts((&raw const ZEROED).cast::<u8>(), PIECE) };
    let counter = &raw mut COUNTER;
    // SAFETY: the only thread owns the counter.
    unsafe {
        counter.write_volatile(counter.read_volatile() + 1);
        zeroed.iter().all(|&byte| byte == 0) && counter.read_volatile() == 42
    }
}

fn console() -> bool {
    write(1, b"to standard output\n") && write(2, b"to standard error\n")
}

/// What comes in goes out.
fn input() -> bool {
    read_all(0, |bytes| write(1, bytes))
}

/// The private input by its file, twice from the start, to the public output; nothing to the console.
fn public() -> bool {
    let output = open(b"/dev/zkvm/output\0", O_WRONLY);
    let copies = || {
        let input = open(b"/dev/zkvm/input\0", 0);
        input >= 0 && read_all(input, |bytes| write(output, bytes))
    };
    output >= 0 && copies() && copies()
}

/// A committed file, as a sum and a length that the checker knows.
fn big() -> bool {
    let file = open(b"/big\0", 0);
    let (mut sum, mut length) = (0u64, 0u64);
    let complete = read_all(file, |bytes| {
        length += bytes.len() as u64;
        sum = bytes.iter().fold(sum, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        true
    });
    let words = [sum.to_be_bytes(), length.to_be_bytes()];
    let mut text = [b'\n'; 33];
    for (at, byte) in words.iter().flatten().enumerate() {
        for (half, digit) in [byte >> 4, byte & 15].into_iter().enumerate() {
            text[2 * at + half] = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        }
    }
    complete && write(1, &text)
}

/// Memory is handed out until there is none, all of it zero and usable; then the answer is ENOMEM.
fn memory() -> bool {
    let mut pieces = 0;
    loop {
        let address = call(MMAP, [0, PIECE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, usize::MAX, 0]);
        if address == ENOMEM {
            return pieces > 0;
        }
        // What cannot be exhausted in reasonable time is enough.
        if pieces == 4096 {
            return true;
        }
        if address < 0 {
            return false;
        }
        let ends = [address as *mut u64, (address as usize + PIECE - 8) as *mut u64];
        for end in ends {
            // SAFETY: Linux just mapped the piece, whose first and last word these are.
            unsafe {
                if end.read_volatile() != 0 {
                    return false;
                }
                end.write_volatile(!0);
            }
        }
        pieces += 1;
    }
}

global_asm!(
    // a0: the child's stack, a1: a word, cleared when the child is gone. Returns what clone says to the parent.
    ".globl zeroos_check_clone",
    "zeroos_check_clone:",
    "mv a4, a1",
    "mv a2, a1",
    "mv a1, a0",
    "li a0, 0x350f00", // VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID, CHILD_CLEARTID
    "li a3, 0",
    "li a7, 220",
    "ecall",
    "bnez a0, 1f",
    "ld a0, 0(sp)",
    "ld t0, 0(a0)",
    "addi t0, t0, 1",
    "sd t0, 0(a0)",
    "li a0, 0",
    "li a7, 93",
    "ecall",
    "1: ret",
);

unsafe extern "C" {
    fn zeroos_check_clone(stack: *mut u64, word: *mut u32) -> isize;
}

/// A thread adds one and ends; its creator waits for that.
fn threads() -> bool {
    let mut word = 0u32;
    // SAFETY: that lies inside the buffer.
    let top = unsafe { (&raw mut ZEROED).cast::<u8>().add(PIECE - 16).cast::<u64>() };
    // SAFETY: the stack of the child, which does not run yet, is the buffer's end.
    unsafe { top.write_volatile(&raw mut COUNTER as u64) };
    for round in 0..3 {
        // SAFETY: the child runs on the buffer alone, and ends without returning.
        let child = unsafe { zeroos_check_clone(top, &raw mut word) };
        if child <= 0 {
            return false;
        }
        loop {
            // SAFETY: the word lives as long as this function.
            let now = unsafe { (&raw const word).read_volatile() };
            if now == 0 {
                break;
            }
            call(FUTEX, [&raw const word as usize, 0, now as usize, 0, 0, 0]);
        }
        // SAFETY: the child is gone.
        if unsafe { (&raw const COUNTER).read_volatile() } != 42 + round {
            return false;
        }
    }
    true
}

/// An instruction that no user program may execute: the run must end, and not well.
fn illegal() -> bool {
    write(1, b"before\n");
    // SAFETY: the run is to end here.
    unsafe { asm!("unimp") };
    write(1, b"behind\n");
    true
}

/// A load that is not aligned.
fn misaligned() -> bool {
    // SAFETY: the only thread owns the buffer.
    let bytes = unsafe { slice::from_raw_parts_mut((&raw mut ZEROED).cast::<u8>(), 16) };
    for (value, byte) in bytes.iter_mut().enumerate() {
        *byte = value as u8;
    }
    let value: u64;
    // SAFETY: the eight bytes lie inside the buffer.
    unsafe { asm!("ld {}, 0({})", out(reg) value, in(reg) bytes.as_ptr().add(1)) };
    value == 0x0807_0605_0403_0201
}

#[unsafe(no_mangle)]
extern "C" fn zeroos_check_main(stack: *const usize) -> ! {
    // SAFETY: argc and argv lie where the stack pointer was (psABI, "Process Initialization").
    let argument = |index: usize| unsafe { *stack.add(1 + index) } as *const u8;
    // SAFETY: arguments end with a zero byte, at which the comparison stops.
    let is = |index: usize, text: &[u8]| (0..text.len()).all(|at| unsafe { *argument(index).add(at) } == text[at]);
    let checks: [(&[u8], fn() -> bool); 9] = [
        (b"boot\0", boot),
        (b"console\0", console),
        (b"input\0", input),
        (b"public\0", public),
        (b"big\0", big),
        (b"memory\0", memory),
        (b"threads\0", threads),
        (b"illegal\0", illegal),
        (b"misaligned\0", misaligned),
    ];
    if is(1, b"exit\0") {
        let mut status = 0;
        let mut at = argument(2);
        // SAFETY: as above.
        while let digit @ 1.. = unsafe { *at } {
            status = 10 * status + usize::from(digit - b'0');
            // SAFETY: it was not the last byte.
            at = unsafe { at.add(1) };
        }
        exit(status);
    }
    for (name, check) in checks {
        if is(1, name) {
            exit(if check() { 0 } else { 1 });
        }
    }
    exit(2)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(101)
}
