//! How the interpreter is linked: what it works on lies at addresses of its own, and no variable is reached by gp, which nobody
//! sets.

/// Flags for the compiler.
pub const FLAGS: &[&str] = &[
    "-O1",
    "-Wl,--no-relax",
    "-Wl,--section-start=.arena=0x400000,--section-start=.scratch=0x410000,--section-start=.handler=0x420000",
];
