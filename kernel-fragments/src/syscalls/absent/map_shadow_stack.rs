//! `map_shadow_stack(2)`: <https://docs.kernel.org/arch/x86/shstk.html>. Supported: everything: Linux has no shadow stacks
//! on riscv64. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(453 => map_shadow_stack);

/// Would map a shadow stack.
pub fn map_shadow_stack() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(map_shadow_stack(), Err(Errno::ENOSYS.into()));
    }
}
