//! The files that exist in every image without being committed: devices and the little of `/proc` and `/sys` that
//! programs look at.

use crate::subsystems::node::{Device, ProcessFile};

/// What is at a built-in path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BuiltIn {
    /// A character device.
    Device(Device),
    /// A directory with these permission bits.
    Directory(u32),
    /// A file with these contents that cannot be written.
    Fixed(&'static [u8]),
    /// A file that is written when it is opened.
    Process(ProcessFile),
    /// A symbolic link to the program.
    Executable,
}

/// All of them; directories not listed are implied.
pub const BUILT_IN_FILES: &[(&[u8], BuiltIn)] = &[
    (b"/dev/full", BuiltIn::Device(Device::Full)),
    (b"/dev/null", BuiltIn::Device(Device::Null)),
    (b"/dev/random", BuiltIn::Device(Device::Random(8))),
    (b"/dev/shm", BuiltIn::Directory(0o1777)),
    (b"/dev/stderr", BuiltIn::Device(Device::StandardStream(2))),
    (b"/dev/stdin", BuiltIn::Device(Device::StandardStream(0))),
    (b"/dev/stdout", BuiltIn::Device(Device::StandardStream(1))),
    (b"/dev/urandom", BuiltIn::Device(Device::Random(9))),
    (b"/dev/zero", BuiltIn::Device(Device::Zero)),
    (b"/dev/zkvm/input", BuiltIn::Device(Device::PrivateInput)),
    (b"/dev/zkvm/output", BuiltIn::Device(Device::PublicOutput)),
    (b"/proc/self/exe", BuiltIn::Executable),
    (b"/proc/self/maps", BuiltIn::Process(ProcessFile::Maps)),
    (b"/proc/self/status", BuiltIn::Process(ProcessFile::Status)),
    // One hart.
    (b"/sys/devices/system/cpu/online", BuiltIn::Fixed(b"0\n")),
    (b"/tmp", BuiltIn::Directory(0o1777)),
];
