//! `personality(2)`: <https://man7.org/linux/man-pages/man2/personality.2.html>. Supported: asking, and setting PER_LINUX with the
//! flags that only a new program would see (ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT); not supported: others. The
//! program starts with ADDR_NO_RANDOMIZE, as `setarch -R` starts one: nothing is at random places here. Errors: none.

use crate::errno::{Refusal, SysResult};

syscall!(92 => personality);

// include/uapi/linux/personality.h
const ADDR_NO_RANDOMIZE: u32 = 0x004_0000;
const MMAP_PAGE_ZERO: u32 = 0x010_0000;
const ADDR_COMPAT_LAYOUT: u32 = 0x020_0000;
/// Only asks.
const QUERY: u32 = u32::MAX;

/// The process's execution domain and the flags of it.
#[derive(Debug)]
pub struct Personality {
    value: u32,
}

impl Personality {
    /// Linux, without random addresses.
    pub const fn new() -> Personality {
        Personality { value: ADDR_NO_RANDOMIZE }
    }
}

/// Sets the execution domain and returns what it was.
pub fn personality(personality: &mut Personality, wanted: u32) -> SysResult {
    let old = personality.value;
    if wanted != QUERY {
        if wanted & !(ADDR_NO_RANDOMIZE | MMAP_PAGE_ZERO | ADDR_COMPAT_LAYOUT) != 0 {
            return Err(Refusal::Unsupported("another execution domain, or flags of it"));
        }
        personality.value = wanted;
    }
    Ok(old as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept() {
        let mut state = Personality::new();
        let mut call = |wanted| personality(&mut state, wanted);
        assert_eq!((call(QUERY), call(0)), (Ok(0x4_0000), Ok(0x4_0000)));
        assert_eq!((call(0x30_0000), call(QUERY)), (Ok(0), Ok(0x30_0000)));
        for wanted in [8, 0x40_0000, 0x20000] {
            assert!(matches!(call(wanted), Err(Refusal::Unsupported(_))), "{wanted:#x}");
        }
        assert_eq!(call(QUERY), Ok(0x30_0000));
    }
}
