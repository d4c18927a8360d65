//! The files that exist in every image without being committed: devices and the little of `/proc` and `/sys` that
//! programs look at.

use crate::subsystems::node::Device;

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
    /// A symbolic link.
    Link(&'static [u8]),
    /// A symbolic link to the program.
    Executable,
}

/// What the kernel can tell of the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessFile {
    /// What is mapped where.
    Maps,
    /// A few facts for people.
    Status,
    /// The same for programs.
    Stat,
    /// How many pages there are.
    Pages,
    /// The arguments.
    Arguments,
    /// The environment.
    Environment,
    /// The auxiliary vector.
    AuxiliaryVector,
    /// The thread's name.
    Name,
    /// The open descriptors, where the program names no links to them.
    Descriptors,
}

impl ProcessFile {
    /// Permission bits.
    pub fn permissions(self) -> u32 {
        match self {
            ProcessFile::Environment | ProcessFile::AuxiliaryVector => 0o400,
            ProcessFile::Name => 0o644,
            _ => 0o444,
        }
    }
}

/// All of them but those of `/proc/self`; directories not listed are implied.
pub const BUILT_IN_FILES: &[(&[u8], BuiltIn)] = &[
    (b"/dev/fd", BuiltIn::Link(b"/proc/self/fd")),
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
    (PROCESS_FOLDER, BuiltIn::Directory(0o555)),
    // One hart.
    (b"/sys/devices/system/cpu/online", BuiltIn::Fixed(b"0\n")),
    (b"/tmp", BuiltIn::Directory(0o1777)),
];

/// The directory of what the kernel tells of the process.
pub const PROCESS_FOLDER: &[u8] = b"/proc/self";

/// What is in it.
pub const PROCESS_FILES: &[(&[u8], BuiltIn)] = &[
    (b"/proc/self/auxv", BuiltIn::Process(ProcessFile::AuxiliaryVector)),
    (b"/proc/self/cmdline", BuiltIn::Process(ProcessFile::Arguments)),
    (b"/proc/self/comm", BuiltIn::Process(ProcessFile::Name)),
    (b"/proc/self/environ", BuiltIn::Process(ProcessFile::Environment)),
    (b"/proc/self/exe", BuiltIn::Executable),
    (b"/proc/self/fd", BuiltIn::Process(ProcessFile::Descriptors)),
    (b"/proc/self/maps", BuiltIn::Process(ProcessFile::Maps)),
    (b"/proc/self/stat", BuiltIn::Process(ProcessFile::Stat)),
    (b"/proc/self/statm", BuiltIn::Process(ProcessFile::Pages)),
    (b"/proc/self/status", BuiltIn::Process(ProcessFile::Status)),
];
