//! `riscv_flush_icache(2)` (Documentation/arch/riscv/uabi.rst, arch/riscv/kernel/sys_riscv.c). Supported: everything. Errors:
//! EINVAL.

use crate::errno::{Errno, SysResult};
use crate::subsystems::instruction_cache::synchronize;

syscall!(259 => riscv_flush_icache);

/// Only on the calling hart.
const LOCAL: u64 = 1;

/// Makes what was stored anywhere visible to instruction fetch; Linux does not look at the range either.
pub fn riscv_flush_icache(_start: u64, _end: u64, flags: u64) -> SysResult {
    if flags & !LOCAL != 0 {
        return Err(Errno::EINVAL.into());
    }
    synchronize();
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags() {
        assert_eq!(riscv_flush_icache(0, 0, LOCAL), Ok(0));
        assert_eq!(riscv_flush_icache(0, 0, 2), Err(Errno::EINVAL.into()));
    }
}
