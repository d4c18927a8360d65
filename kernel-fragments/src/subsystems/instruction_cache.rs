//! Making stores visible to instruction fetch.
#![allow(unsafe_code)]

/// Lets this hart fetch what it has stored (ISA manual I, "Zifencei").
pub fn synchronize() {
    #[cfg(target_arch = "riscv64")]
    // SAFETY: `fence.i`, written as its encoding because the kernel's own target lacks the extension's name; it changes
    // no register and no memory.
    unsafe {
        core::arch::asm!(".word 0x0000100f", options(nostack, preserves_flags));
    }
}
