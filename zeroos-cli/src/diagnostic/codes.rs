//! Every error code with its explanation.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// For example `ZOS-E0101`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What leads to it and what to do, some sentences.
    pub explanation: &'static str,
}

/// All codes, ascending. The hundreds digit is the stage: 1 reading, 2 analysis, 3 platform, 4 catalog, 5 plan,
/// 6 source and compile, 7 image and verify, 8 run, 9 project files.
pub const CODES: &[Code] = &[
    Code {
        code: "ZOS-E0101",
        title: "not an ELF file",
        explanation: "The file is empty or something else than an ELF: a script, a text file, a library archive. zeroos reads \
                      programs as a RISC-V Linux linker writes them. A build often leaves a wrapper script beside the program: \
                      name the program itself, for example target/riscv64gc-unknown-linux-musl/release/NAME.",
    },
    Code {
        code: "ZOS-E0102",
        title: "32-bit ELF",
        explanation: "The program is for a 32-bit machine. Kernels and machines here are 64-bit: build for riscv64.",
    },
    Code {
        code: "ZOS-E0103",
        title: "big-endian ELF",
        explanation: "The program is big-endian; riscv64 Linux is little-endian. Build for riscv64-linux.",
    },
    Code {
        code: "ZOS-E0104",
        title: "another instruction set",
        explanation: "The program is for another processor, often for this computer. Build it for riscv64: `cargo build \
                      --target riscv64gc-unknown-linux-musl`, `riscv64-linux-musl-gcc -static` or `zig cc -target \
                      riscv64-linux-musl`.",
    },
    Code {
        code: "ZOS-E0105",
        title: "dynamically linked",
        explanation: "The program asks for an interpreter or for shared libraries, which are not there on a bare machine. Link \
                      it statically: `-static` or `-static-pie` for gcc and clang, `-C target-feature=+crt-static` for Rust. \
                      Rust's musl targets and Go without cgo are static by default.",
    },
    Code {
        code: "ZOS-E0106",
        title: "not a linked program",
        explanation: "The file is an object file, a core dump or of some other ELF type. Link it into a program first.",
    },
    Code {
        code: "ZOS-E0107",
        title: "cut short",
        explanation: "The headers speak of bytes that the file does not have: an interrupted download, a full disk, or a build \
                      that is still going on. Copy or build it again.",
    },
    Code {
        code: "ZOS-E0108",
        title: "malformed ELF",
        explanation: "The headers contradict themselves or the ELF specification: segments that overlap or pass the address \
                      space, an entry outside the code, or more of something than any linker writes. If the program runs under \
                      `qemu-riscv64`, please report it.",
    },
    Code {
        code: "ZOS-E0301",
        title: "unknown platform",
        explanation: "No folder of that name is in `platforms/`, below a `--platform-dir` or in the binary. `zeroos platforms` \
                      lists what is there; `zeroos new-platform NAME` makes one.",
    },
    Code {
        code: "ZOS-E0302",
        title: "platform.toml cannot be read",
        explanation: "The file is not TOML, has a key that does not exist or lacks one. The message has the line. `zeroos new- \
                      platform NAME` writes a complete file.",
    },
    Code {
        code: "ZOS-E0303",
        title: "platform.toml contradicts itself",
        explanation: "Memory regions must be whole pages and apart, the name must be the folder's, and the ISA must be one that \
                      kernels are built for (rv64gc, rv64imac).",
    },
    Code {
        code: "ZOS-E0304",
        title: "a platform's file is missing",
        explanation: "A platform is a folder with `platform.toml` and `platform.rs`, both readable.",
    },
    Code {
        code: "ZOS-E0401",
        title: "a fragment cannot be read",
        explanation: "A file of the fragment library is not the Rust that the catalogue expects. The library is part of the \
                      zeroos binary: this is a fault of its source tree.",
    },
    Code {
        code: "ZOS-E0402",
        title: "two fragments for one call",
        explanation: "Two files of the fragment library provide the same call in the same variant, or a file names something \
                      that is not there. This is a fault of the source tree that zeroos was built from.",
    },
    Code {
        code: "ZOS-E0501",
        title: "no memory at the program's addresses",
        explanation: "A program linked as ET_EXEC runs at its own addresses only, and the platform has no memory there. Take a \
                      platform that has (`spike` gives memory at the program's own addresses), link with `-static-pie` so that \
                      zeroos may move it, or link it elsewhere: `-Wl,-Ttext-segment=0x80200000`.",
    },
    Code {
        code: "ZOS-E0502",
        title: "the platform has too little memory",
        explanation: "Program, stack, committed files and kernel need more than the platform has in the named region. Commit \
                      fewer or smaller files, or take a platform with more memory.",
    },
    Code {
        code: "ZOS-E0503",
        title: "the machine lacks instructions that the program uses",
        explanation: "The program's reachable code uses an extension that the platform's ISA does not have; the message has the \
                      first instruction of each. Rebuild it for the machine (`-march=rv64imac -mabi=lp64`, Rust target \
                      riscv64imac), or choose another platform.",
    },
    Code {
        code: "ZOS-E0504",
        title: "no such way into the kernel",
        explanation: "Calls enter the kernel by the `ecall` trap in this version. `--entry direct` and platforms whose `ecall` \
                      calls the host need patched call sites, which it does not make yet.",
    },
    Code {
        code: "ZOS-E0505",
        title: "reachable calls without a fragment",
        explanation: "`--deny-missing` was given and the program can reach calls that no fragment provides. The message has the \
                      chain of functions to each. Without the option such an image is built, and stops with a message if the \
                      call is really made. A call may be declared to answer ENOSYS in zeroos.toml: `[syscalls] enosys = \
                      [\"NAME\"]`.",
    },
    Code {
        code: "ZOS-E0506",
        title: "calls that can carry any number",
        explanation: "`--deny-unbounded` was given and some reachable `ecall` has a number that could not be bounded. Without \
                      the option the kernel gets every fragment, which is sound but large. `zeroos manifest` shows each site \
                      and what was lost.",
    },
    Code {
        code: "ZOS-E0507",
        title: "an input that no program could be given",
        explanation: "An argument, variable or guest path breaks Linux's rules: a NUL byte, no `=`, a relative path, a path \
                      given twice, or more bytes than Linux allows.",
    },
    Code {
        code: "ZOS-E0508",
        title: "the fragment library is incomplete",
        explanation: "A file that every kernel needs is not in the binary: it was built from an incomplete source tree.",
    },
    Code {
        code: "ZOS-E0601",
        title: "a template does not render",
        explanation: "A template in the binary is faulty. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0602",
        title: "the generated root is not Rust",
        explanation: "The generator made something that does not parse. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0603",
        title: "rustc or rust-lld cannot be started",
        explanation: "Kernels are compiled by the Rust toolchain: `rustc` on the search path, or the one that RUSTC names. \
                      `zeroos doctor` checks it.",
    },
    Code {
        code: "ZOS-E0604",
        title: "the kernel's target is not installed",
        explanation: "Kernels need the core library for riscv64imac-unknown-none-elf: `rustup target add riscv64imac-unknown- \
                      none-elf`.",
    },
    Code {
        code: "ZOS-E0605",
        title: "no rust-lld",
        explanation: "Kernels are linked by the rust-lld that rustup's toolchains contain; a distribution's rustc may lack it. \
                      Install Rust by rustup.",
    },
    Code {
        code: "ZOS-E0606",
        title: "rustc refused the kernel",
        explanation: "If the messages name your own platform.rs, correct it there; `zeroos build --emit-source DIR` is of help. \
                      Otherwise please report it.",
    },
    Code {
        code: "ZOS-E0607",
        title: "the kernel could not be linked",
        explanation: "If the room is too small, the platform has too little memory for this program. Otherwise please report \
                      it.",
    },
    Code {
        code: "ZOS-E0608",
        title: "no scratch folder",
        explanation: "Compiling needs a temporary folder. Make room there, or set TMPDIR to one that can be written.",
    },
    Code {
        code: "ZOS-E0701",
        title: "committed data does not fit",
        explanation: "Arguments and environment must fit a quarter of the stack, as on Linux; committed files must fit the room \
                      that was planned for them.",
    },
    Code {
        code: "ZOS-E0702",
        title: "the linked kernel is unusable",
        explanation: "The linker put something where the plan has no room for it. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0703",
        title: "pieces of the image overlap",
        explanation: "Two pieces were given the same addresses. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0704",
        title: "the image could not be written as ELF",
        explanation: "The ELF writer refused. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0705",
        title: "not an image of this version",
        explanation: "The file carries the note of an image, but in a form that this version does not read. Build it again from \
                      the program.",
    },
    Code {
        code: "ZOS-E0706",
        title: "the image does not match its plan",
        explanation: "Every image is read back before it is put in place, and this one was not what was planned. Nothing was \
                      written. Please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0801",
        title: "the machine cannot be set up",
        explanation: "The image asks for memory or devices that the built-in machine cannot have: overlapping regions, or more \
                      memory than there is.",
    },
    Code {
        code: "ZOS-E0802",
        title: "the image got stuck",
        explanation: "A trap happened in the kernel's own trap handler. Please report it with the program.",
    },
    Code {
        code: "ZOS-E0803",
        title: "an emulator cannot be started",
        explanation: "The engine's program is not installed or not on the search path. `apt-get install qemu-system-misc` \
                      installs QEMU; `zeroos doctor` checks it.",
    },
    Code {
        code: "ZOS-E0804",
        title: "the emulator failed",
        explanation: "The emulator ended in a way that is no exit of the guest; its own message says why.",
    },
    Code {
        code: "ZOS-E0805",
        title: "the engine has no such machine",
        explanation: "QEMU runs images for platforms whose `[runner]` names a qemu-system command, such as `qemu-virt`. Build \
                      for one, or use `--engine builtin`.",
    },
    Code {
        code: "ZOS-E0806",
        title: "the engine lacks an option",
        explanation: "Exact counts, tracing and instruction limits are the built-in machine's. Use `--engine builtin`, or leave \
                      the option away.",
    },
    Code {
        code: "ZOS-E0807",
        title: "the guest's output cannot be written",
        explanation: "Standard output or standard error failed, for example because the disk is full. (A reader that goes away \
                      is no error.)",
    },
    Code {
        code: "ZOS-E0901",
        title: "a file cannot be read",
        explanation: "It does not exist, may not be read, is a directory, or is an image where the program is wanted.",
    },
    Code {
        code: "ZOS-E0902",
        title: "a file cannot be written",
        explanation: "The folder does not exist, may not be written or has no room. Files are written whole or not at all.",
    },
    Code {
        code: "ZOS-E0903",
        title: "it already exists",
        explanation: "zeroos does not overwrite folders with something in them, nor the program that an image is built from. \
                      Choose another name, or remove it first.",
    },
    Code {
        code: "ZOS-E0904",
        title: "an option or project file that makes no sense",
        explanation: "The message names the option, or the key of zeroos.toml, and what was expected.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every `"ZOS-E…."` in the files below `folder`, this file left out.
    fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                codes_in(&path, found);
            } else if !path.ends_with("diagnostic/codes.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let uses = text.split("=> \"ZOS-E").skip(1);
                found.extend(uses.filter_map(|rest| Some(format!("ZOS-E{}", rest.get(..4)?))));
            }
        }
    }

    #[test]
    fn every_code_in_use_is_explained_and_every_explained_one_is_used() {
        let mut used = BTreeSet::new();
        codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        let explained: BTreeSet<String> = CODES.iter().map(|code| code.code.to_owned()).collect();
        assert_eq!(used, explained);
    }

    #[test]
    fn codes_ascend_and_say_something() {
        assert!(CODES.is_sorted_by(|one, other| one.code < other.code));
        for code in CODES {
            assert!(!code.title.is_empty() && code.explanation.len() > 40, "{}", code.code);
        }
    }
}
