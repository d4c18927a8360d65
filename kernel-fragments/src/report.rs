//! The kernel's last words: one line on the console that says what stopped the run, where, and what would help. Every
//! message starts with `zeroos: ` and names the program counter as `pc 0x…`, which `zeroos run` turns into a symbol.

use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::platform_interface::Platform;
use crate::stop::{Message, STOP_STATUS, Stop};
use crate::subsystems::image_data::{bytes, named_addresses, named_numbers};

/// Machine-mode exception causes (ISA manual II, "Machine Cause Register").
const ILLEGAL_INSTRUCTION: u64 = 2;
const BREAKPOINT: u64 = 3;
const INSTRUCTION_FAULTS: [u64; 2] = [1, 12];
const MISALIGNED: [u64; 3] = [0, 4, 6];

/// Linux signal numbers that end a program (signal(7)).
const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGBUS: i32 = 7;
const SIGSEGV: i32 = 11;
/// Wait status of a program that signal 0 + n ended.
const SIGNALLED: i32 = 128;

/// Ends the run: the program made call `number` at `pc`, which this kernel does not have.
pub fn unsupported_call(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64) -> ! {
    let mut message = Message(platform);
    message.text("zeroos: stop: unsupported syscall ").decimal(number);
    match named_numbers(boot.missing).iter().find(|entry| entry.number == number) {
        Some(entry) => {
            message.text(" (").bytes(bytes(entry.name)).text(")");
        }
        None => {
            message.text(" (Linux does not know it either, or the analysis did not expect it)");
        }
    }
    place(&mut message, boot, pc);
    message.text("; no fragment provides it: `zeroos explain ").decimal(number).text("` says what would\n");
    platform.exit(STOP_STATUS)
}

/// Ends the run: the program made call `number` at `pc`, where the analysis found another one to be the only one.
pub fn unpredicted_call(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64) -> ! {
    let mut message = Message(platform);
    message.text("zeroos: stop: syscall ").decimal(number).text(" was not predicted here");
    place(&mut message, boot, pc);
    message.text("; the analysis is wrong: please report this\n");
    platform.exit(STOP_STATUS)
}

/// Ends the run: call `number` at `pc` was asked for something that its fragment does not do, or nobody can run.
pub fn stopped(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64, why: Stop) -> ! {
    let mut message = Message(platform);
    message.text("zeroos: stop: ");
    match why {
        Stop::Unsupported(what) => message.text("unsupported: ").text(what),
        Stop::Deadlock => message.text("deadlock: every thread waits for another"),
    };
    message.text(", in syscall ").decimal(number);
    place(&mut message, boot, pc);
    message.text("; `zeroos explain ").decimal(number).text("` lists what is supported\n");
    platform.exit(STOP_STATUS)
}

/// Ends the run: the program (or the kernel) met exception `cause` at `pc`, with trap value `value`.
pub fn fault(platform: &mut impl Platform, boot: &BootInfo, cause: u64, pc: u64, value: u64) -> ! {
    let mut message = Message(platform);
    if boot.kernel_code.holds(pc as usize, 1) {
        message.text("zeroos: stop: the kernel itself failed with cause ").decimal(cause);
        message.text(", pc ").hex(pc).text(", trap value ").hex(value).text("; please report this\n");
        platform.exit(STOP_STATUS)
    }
    let (what, signal) = match cause {
        ILLEGAL_INSTRUCTION => ("illegal instruction", SIGILL),
        BREAKPOINT => ("breakpoint (ebreak)", SIGTRAP),
        _ if MISALIGNED.contains(&cause) => ("misaligned access", SIGBUS),
        _ if INSTRUCTION_FAULTS.contains(&cause) => ("jump to an address without memory", SIGSEGV),
        _ => ("access to an address without memory", SIGSEGV),
    };
    message.text("zeroos: fault: ").text(what).text(", cause ").decimal(cause);
    place(&mut message, boot, pc);
    message.text(", trap value ").hex(value).text("\n");
    platform.exit(SIGNALLED + signal)
}

/// Ends the run: the kernel met a state it holds to be impossible.
pub fn kernel_panic(platform: &mut impl Platform, file: &str, line: u32) -> ! {
    Message(platform).text("zeroos: stop: kernel panic at ").text(file).text(":").decimal(u64::from(line)).text("\n");
    platform.exit(STOP_STATUS)
}

/// What a refused call puts into a0: the error's negative.
pub fn errno_value(errno: Errno) -> u64 {
    u64::from(errno.0).wrapping_neg()
}

/// `, pc 0x… in function`; the function only where the builder knew that the run could stop there.
pub fn place(message: &mut Message<'_, impl Platform>, boot: &BootInfo, pc: u64) {
    message.text(", pc ").hex(pc);
    if let Some(site) = named_addresses(boot.sites).iter().find(|site| site.address == pc) {
        message.text(" in ").bytes(bytes(site.name));
    }
}
