//! `bpf(2)`: <https://man7.org/linux/man-pages/man2/bpf.2.html>. Supported: being absent, as from a Linux that was built
//! without it (CONFIG_BPF_SYSCALL): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(280 => bpf);

/// Would load a program into the kernel.
pub fn bpf() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(bpf(), Err(Errno::ENOSYS.into()));
    }
}
