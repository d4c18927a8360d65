//! The SiFive test finisher, by which QEMU's `virt` machine is stopped: one write-only word.

use super::DeviceEffect;

const PASS: u32 = 0x5555;
const FAIL: u32 = 0x3333;

/// A store of `value`: pass exits with 0, fail with the upper half; anything else, a reset included, does nothing.
pub(super) fn store(value: u32) -> DeviceEffect {
    match value & 0xffff {
        PASS => DeviceEffect::Exit(0),
        FAIL => DeviceEffect::Exit(value >> 16),
        _ => DeviceEffect::None,
    }
}
