//! The kernel's last words: one line on the console that says what stopped the run, where, and what would help. Every
//! message starts with `zeroos: ` and names the program counter as `pc 0x…`, which `zeroos run` turns into a symbol.

use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::platform_interface::Platform;
use crate::stop::Part::{self, Decimal, Hex, Text};
use crate::stop::{Message, STOP_STATUS, Stop};
use crate::subsystems::image_data::{bytes, named_addresses, named_numbers};

/// Linux signal numbers that end a program (signal(7)).
const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGBUS: i32 = 7;
const SIGSEGV: i32 = 11;
/// What a fault is called and the signal for it, by exception cause (ISA manual II, "Machine Cause Register"): the first entry
/// in whose set of bits the cause is. A table that is walked takes less room than what a `match` becomes.
const FAULTS: [(u64, &str, i32); 5] = [
    (1 << 2, "illegal instruction", SIGILL),
    (1 << 3, "breakpoint (ebreak)", SIGTRAP),
    (1 << 0 | 1 << 4 | 1 << 6, "misaligned access", SIGBUS),
    (1 << 1 | 1 << 12, "jump to an address without memory", SIGSEGV),
    (u64::MAX, "access to an address without memory", SIGSEGV),
];

/// Wait status of a program that signal 0 + n ended.
const SIGNALLED: i32 = 128;

/// Ends the run: the program made call `number` at `pc`, which this kernel does not have.
pub fn unsupported_call(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64) -> ! {
    let known = named_numbers(boot.missing).iter().find(|entry| entry.number == number);
    let name = known
        .map_or(&b"Linux does not know it either, or the analysis did not expect it"[..], |entry| bytes(entry.name));
    let [in_, function] = place(boot, pc);
    Message(platform).write(
        "zeroos: stop: unsupported syscall % (%), pc %%%; no fragment provides it: `zeroos explain %` says what would\n",
        &[Decimal(number), Text(name), Hex(pc), in_, function, Decimal(number)],
    );
    platform.exit(STOP_STATUS)
}

/// Ends the run: the program made call `number` at `pc`, where the analysis found another one to be the only one.
pub fn unpredicted_call(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64) -> ! {
    let [in_, function] = place(boot, pc);
    Message(platform).write(
        "zeroos: stop: syscall % was not predicted here, pc %%%; the analysis is wrong: please report this\n",
        &[Decimal(number), Hex(pc), in_, function],
    );
    platform.exit(STOP_STATUS)
}

/// Ends the run: call `number` at `pc` was asked for something that its fragment does not do, or nobody can run.
pub fn stopped(platform: &mut impl Platform, boot: &BootInfo, number: u64, pc: u64, why: Stop) -> ! {
    let (kind, what) = match why {
        Stop::Unsupported(what) => ("unsupported: ", what),
        Stop::Deadlock => ("deadlock: ", "every thread waits for another"),
    };
    let [in_, function] = place(boot, pc);
    Message(platform).write(
        "zeroos: stop: %%, in syscall %, pc %%%; `zeroos explain %` lists what is supported\n",
        &[Text(kind.as_bytes()), Text(what.as_bytes()), Decimal(number), Hex(pc), in_, function, Decimal(number)],
    );
    platform.exit(STOP_STATUS)
}

/// Ends the run: the program (or the kernel) met exception `cause` at `pc`, with trap value `value`.
pub fn fault(platform: &mut impl Platform, boot: &BootInfo, cause: u64, pc: u64, value: u64) -> ! {
    let mut message = Message(platform);
    if boot.kernel_code.holds(pc as usize, 1) {
        message.write(
            "zeroos: stop: the kernel itself failed with cause %, pc %, trap value %; please report this\n",
            &[Decimal(cause), Hex(pc), Hex(value)],
        );
        platform.exit(STOP_STATUS)
    }
    let is_fault = |(causes, ..): &&(u64, &str, i32)| causes.wrapping_shr(cause as u32) & 1 != 0;
    let (_, what, signal) = FAULTS.iter().find(is_fault).unwrap_or(&(0, "fault", SIGSEGV));
    let [in_, function] = place(boot, pc);
    message.write(
        "zeroos: fault: %, cause %, pc %%%, trap value %\n",
        &[Text(what.as_bytes()), Decimal(cause), Hex(pc), in_, function, Hex(value)],
    );
    platform.exit(SIGNALLED + signal)
}

/// Ends the run: the kernel met a state it holds to be impossible, or has no memory where no call could say so: that the
/// library `alloc` tells from its own file.
pub fn kernel_panic(platform: &mut impl Platform, file: &str, line: u32) -> ! {
    if file.ends_with("alloc/src/alloc.rs") {
        let message =
            "zeroos: stop: the kernel's heap is full; it is an eighth of what is left of the machine's memory\n";
        Message(platform).write(message, &[]);
        platform.exit(STOP_STATUS)
    }
    Message(platform).write("zeroos: stop: kernel panic at %:%\n", &[Text(file.as_bytes()), Decimal(u64::from(line))]);
    platform.exit(STOP_STATUS)
}

/// What a refused call puts into a0: the error's negative.
pub fn errno_value(errno: Errno) -> u64 {
    u64::from(errno.0).wrapping_neg()
}

/// ` in ` and the function; nothing where the builder did not know that the run could stop there.
#[inline(never)]
pub fn place(boot: &BootInfo, pc: u64) -> [Part<'static>; 2] {
    match named_addresses(boot.sites).iter().find(|site| site.address == pc) {
        Some(site) => [Text(b" in "), Text(bytes(site.name))],
        None => [Text(b""); 2],
    }
}
