//! Every error code with its explanation: what `zeroos explain ZOS-E…` prints. A test holds the table against the
//! codes that the sources use.

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
/// 6 source and compile, 7 image and verify, 8 run, 9 files and options.
pub const CODES: &[Code] = &[
    Code {
        code: "ZOS-E0101",
        title: "the file is no ELF file",
        explanation: "The file is empty or starts like something else: a script, a text, an archive, another \
            system's program. Expected is the linked program itself, a statically linked RISC-V Linux ELF. Name the \
            file that the linker wrote, for example target/riscv64gc-unknown-linux-musl/release/NAME; a wrapper \
            script or a package that contains the program does not do.",
    },
    Code {
        code: "ZOS-E0102",
        title: "the program is 32-bit",
        explanation: "The ELF header says ELFCLASS32. Expected is a 64-bit program: kernels and machines here are \
            RV64. Build for riscv64, for example `cargo build --target riscv64gc-unknown-linux-musl` or \
            `-march=rv64gc -mabi=lp64d`.",
    },
    Code {
        code: "ZOS-E0103",
        title: "the program is big-endian",
        explanation: "The ELF header says ELFDATA2MSB. Expected is a little-endian program, as every RISC-V Linux \
            distribution and toolchain builds by default. Leave options such as `-mbig-endian` away and build again.",
    },
    Code {
        code: "ZOS-E0104",
        title: "the program is for another instruction set",
        explanation: "The ELF header names a machine other than RISC-V, most often because the program was built for \
            the computer it was built on. Expected is a program for riscv64 Linux. Build it for \
            `riscv64gc-unknown-linux-musl` (Rust), with a `riscv64-linux-…` compiler, or with `zig cc -target \
            riscv64-linux-musl`.",
    },
    Code {
        code: "ZOS-E0105",
        title: "the program is dynamically linked",
        explanation: "The program asks for an interpreter (PT_INTERP) or for shared libraries (DT_NEEDED), or is a \
            shared library itself. Expected is a statically linked program, because what is not in the file can be \
            neither analysed nor put into the image. Link with `-static` or `-static-pie`; for Rust, the musl \
            targets do so by themselves and the gnu target does with `-C target-feature=+crt-static`.",
    },
    Code {
        code: "ZOS-E0106",
        title: "the file is ELF, but no linked program",
        explanation: "The ELF type is neither ET_EXEC nor ET_DYN: usually an object file (`.o`) that was never \
            linked, or a core dump. Expected is what the linker makes of the object files. Link it into a program \
            first.",
    },
    Code {
        code: "ZOS-E0107",
        title: "the file is cut short",
        explanation: "A header names bytes behind the end of the file: the message says which part ends where, and \
            where the file ends. This happens when a download, a copy or a build was interrupted. Copy or build the \
            file again.",
    },
    Code {
        code: "ZOS-E0108",
        title: "the ELF file contradicts itself",
        explanation: "The file is a RISC-V program, but a header breaks the ELF specification: segments that \
            overlap, an entry outside the code, a segment with more bytes in the file than in memory, or addresses \
            that no program needs. Linkers do not write such files, tools that edit ELF files sometimes do. Build it \
            again with a current linker; if the file runs under `qemu-riscv64`, please report it.",
    },
    Code {
        code: "ZOS-E0201",
        title: "a run made a call that its manifest does not name",
        explanation: "`zeroos manifest APP --audit TRACE` found calls in the log of a run that the analysis of APP rules \
            out: a number that no reachable site can make, or, where the log has addresses, a call from a place that is \
            no known site, that counts as never reached, or that carries other numbers only. The report lists each. Most \
            often the log is of another build of the program, or of another program: make it anew. Otherwise the \
            analysis missed a path, and an image of this program would lack a call: please report it with the program.",
    },
    Code {
        code: "ZOS-E0202",
        title: "a trace holds no calls",
        explanation: "The file given to `--audit` is empty, or nothing in it looks like a call. Expected is what \
            `qemu-riscv64 -strace APP` or `zeroos run --trace APP` writes to standard error, for example by `2> TRACE`; \
            output of the program in between does no harm. Logs of the `strace` of other systems have another form.",
    },
    Code {
        code: "ZOS-E0203",
        title: "there is no `ecall` at an address",
        explanation: "`zeroos explain APP ADDRESS` tells of one `ecall`, and the file has none at that address; the \
            message names the nearest ones. Expected is the address of the 4-byte `ecall` itself, as the file and the \
            manifest have it. A static-PIE runs at other addresses: subtract what it was moved by, which \
            `zeroos manifest APP --audit TRACE` finds out.",
    },
    Code {
        code: "ZOS-E0301",
        title: "there is no platform of that name",
        explanation: "The name given by `--platform` or in zeroos.toml is neither an embedded platform nor a folder \
            below `platforms/` or a `--platform-dir`. A folder counts as a platform when it holds a `platform.toml`. \
            `zeroos platforms` lists what is there; `zeroos new-platform NAME` makes a new one.",
    },
    Code {
        code: "ZOS-E0302",
        title: "a platform.toml cannot be read",
        explanation: "The file is not TOML, lacks a key, has a value of the wrong type, or has a key that this \
            version does not know; the message names line and key. Unknown keys are errors, so that no wish is \
            silently ignored. Correct the file by the model of platforms/spike/platform.toml.",
    },
    Code {
        code: "ZOS-E0303",
        title: "a platform.toml contradicts itself",
        explanation: "The file can be read, but describes no machine: memory that is not whole pages, regions that \
            overlap, no memory at all, an instruction set that kernels cannot be built for, or a name that differs \
            from the folder's. The message says what was found and what was expected. Correct that value.",
    },
    Code {
        code: "ZOS-E0304",
        title: "a file of a platform cannot be read",
        explanation: "A platform folder holds `platform.toml` (the facts) and `platform.rs` (the code); one of them \
            is missing or cannot be opened, or the folder that holds the platforms cannot be listed. Check that both \
            files are there and readable.",
    },
    Code {
        code: "ZOS-E0401",
        title: "a fragment file breaks the format",
        explanation: "A file of the fragment library is not Rust, or not what the generator can use: no `syscall!` \
            below syscalls/, a handler that does not exist or returns neither SysResult nor Outcome, a parameter \
            that is neither kernel state nor a register. The library is embedded, so this is seen only by whoever \
            changes it. kernel-fragments/src/fragment.rs describes the format; syscalls/identity/getpid.rs is the \
            smallest example.",
    },
    Code {
        code: "ZOS-E0402",
        title: "two fragments provide the same call",
        explanation: "For each syscall there is at most one file in each variant: one general, one for programs \
            without threads, one for programs with standard streams only. Here two files claim the same number in \
            the same variant. Remove one, or give it a variant of its own.",
    },
    Code {
        code: "ZOS-E0501",
        title: "the platform has no memory at the program's addresses",
        explanation: "An ET_EXEC program runs only at the addresses that it was linked for, and the platform has no \
            free memory there: the message names both. Linkers choose 0x10000 unless told otherwise, and many \
            machines have memory at 0x80000000 only. Choose a platform that has memory there (`zeroos platforms`), \
            link as static-PIE (`-static-pie`), which can be placed anywhere, or move it with \
            `-Wl,-Ttext-segment=ADDRESS`.",
    },
    Code {
        code: "ZOS-E0502",
        title: "the platform's memory is too small",
        explanation: "Kernel, committed files, program, break, stack, mappings and the kernel's heap share the \
            platform's first memory region, and the piece that the message names does not fit into what is left. \
            Commit fewer or smaller files, or use a platform with more memory.",
    },
    Code {
        code: "ZOS-E0503",
        title: "the machine cannot hold the program as it is",
        explanation: "The message lists all that is in the way, each with the number of places in reachable code and the \
            first of them, and the help what to do about each. Instructions of an extension that the platform's `isa` \
            does not have are in the way, but for those of A: these are lowered to plain loads and stores, which on one hart \
            without preemption do the same. An `sc` is lowered only if every path to it comes from its `lr` without a call \
            between, as compilers' atomic operations do; an `amo` needs a register that is free there, and room for a stub \
            within 1 MiB. `zeroos build --report FILE` lists what was lowered.",
    },
    Code {
        code: "ZOS-E0504",
        title: "an `ecall` keeps its trap where none may be",
        explanation: "With `--entry direct`, or on a platform whose `ecall` calls its host instead of trapping, every \
            reachable `ecall` has to be replaced by a jump to a stub of its own. The message names the first that cannot \
            be, with the reason: mostly that its code lies more than 1 MiB from any room for a stub, and that the \
            instruction before it is not the `li a7, NUMBER` whose place a longer jump could take. Leave `--entry direct` \
            away, or choose a platform with `ecall = \"mtvec\"`; `zeroos build --report FILE` lists all sites.",
    },
    Code {
        code: "ZOS-E0505",
        title: "reachable calls have no fragment",
        explanation: "`--deny-missing` was given, and the program can make calls that no fragment provides; the \
            message lists them with the chain of functions that leads to each. Without the option the image is \
            built, and stops with a message only if such a call is really made. A call that the program can live \
            without may be declared in zeroos.toml: `[syscalls] enosys = [\"NAME\"]`.",
    },
    Code {
        code: "ZOS-E0506",
        title: "a reachable `ecall` may carry any number",
        explanation: "`--deny-unbounded` was given, and for at least one reachable `ecall` the analysis could not \
            tell which numbers it can carry; the message names the site and what was lost. Without the option the \
            kernel gets every fragment, which is sound but larger. Programs that compute syscall numbers at run \
            time, such as a call of libc's `syscall` with a variable, are the usual cause.",
    },
    Code {
        code: "ZOS-E0507",
        title: "an argument, variable or file cannot be given to the program",
        explanation: "What the program is given is checked before it is laid out: no NUL bytes, no argument longer \
            than Linux allows, variables as KEY=VALUE, guest paths absolute, normalised and distinct. The message \
            says which one breaks which rule. Correct the option or the entry in zeroos.toml.",
    },
    Code {
        code: "ZOS-E0508",
        title: "the fragment library is incomplete",
        explanation: "A file that every kernel needs, or that another fragment names, is not in the library that \
            this binary carries. The binary was built from an incomplete source tree. Build it again from a complete \
            one.",
    },
    Code {
        code: "ZOS-E0509",
        title: "the program's code and data are too close together",
        explanation: "Some machines take code in one piece only, or have it in other memory than data. Stubs and the kernel's \
            code then come right behind the program's code, whose distance to the program's data is fixed when it is linked. \
            Link the program so that they are far apart: as static-PIE by lld with `-z norelro -T apart.ld`, where \
            `zeroos link-script > apart.ld` makes the script. Data then lies 256 MiB behind the code.",
    },
    Code {
        code: "ZOS-E0601",
        title: "a template does not render",
        explanation: "One of the templates for assembly, linker script, crate files or a new platform could not be \
            rendered: it is missing from the binary, or names a value that it is not given. No input can cause this. \
            Whoever changed templates/ should look there; otherwise please report it.",
    },
    Code {
        code: "ZOS-E0602",
        title: "the generated kernel root is not Rust",
        explanation: "The kernel's root file is generated as syntax and parsed again before it is printed, and that \
            failed. No input should be able to cause this: please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0603",
        title: "a tool of the Rust toolchain cannot be started",
        explanation: "Kernels are compiled by rustc and linked by rust-lld, and one of them could not be started or \
            did not answer. Install Rust by rustup (https://rustup.rs), or let the variable RUSTC name the compiler. \
            `zeroos doctor` shows what is found.",
    },
    Code {
        code: "ZOS-E0604",
        title: "the core library for kernels is not installed",
        explanation: "rustc is there, but not Rust's core library for riscv64imac-unknown-none-elf, which kernels \
            are compiled for. `rustup target add riscv64imac-unknown-none-elf` installs it; with several toolchains, \
            add `--toolchain` with the one that `zeroos doctor` names. For machines without atomic or compressed \
            instructions it is riscv64im-unknown-none-elf, which rustup does not have: `rustup component add rust-src` \
            brings its source, from which it is built once.",
    },
    Code {
        code: "ZOS-E0605",
        title: "the Rust toolchain has no rust-lld",
        explanation: "Kernels are linked by the rust-lld that comes with rustc; it was expected in the folder that \
            the message names. Toolchains of rustup contain it, those of some distributions do not. Install Rust by \
            rustup.",
    },
    Code {
        code: "ZOS-E0606",
        title: "rustc did not accept the generated kernel",
        explanation: "rustc's own messages follow the error. A `platform.rs` is compiled into the kernel as it is, \
            so an error in a platform of your own shows up here, with its line. If no file of yours is named, please \
            report it with the result of `zeroos build --emit-source DIR`.",
    },
    Code {
        code: "ZOS-E0607",
        title: "the kernel could not be linked",
        explanation: "rust-lld's own messages follow the error. If they say that the kernel is larger than its room, \
            the program needs more fragments than were reckoned with. If they name symbols, the platform's \
            `platform.rs` refers to something that does not exist in a kernel.",
    },
    Code {
        code: "ZOS-E0608",
        title: "the scratch folder cannot be used",
        explanation: "Compiling and linking need a temporary folder, which could not be made or written. Make room \
            on that disk, or set TMPDIR to a folder that can be written.",
    },
    Code {
        code: "ZOS-E0609",
        title: "rustc could not build its own core library",
        explanation: "Kernels for machines without atomic or compressed instructions need a core library that rustup does \
            not have, so it is built once from the toolchain's component rust-src. rustc refused that source, which \
            happens if the two are of different versions: remove the component with rustup and add it again.",
    },
    Code {
        code: "ZOS-E0701",
        title: "data laid out at build time does not fit its room",
        explanation: "The initial stack (arguments, environment) may take a quarter of the program's stack, and the \
            kernel's tables and committed files have a room that the plan reserves. The message says which of them \
            is too large, and by how much. Shorten the arguments, the environment or the committed files.",
    },
    Code {
        code: "ZOS-E0702",
        title: "the linked kernel is not where the plan put it",
        explanation: "After linking, the kernel is read back, and one of its segments lies outside the room that it \
            was given or it is no ELF. A platform.rs that places data at addresses of its own can cause this. \
            Otherwise it is a fault of zeroos: please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0703",
        title: "two pieces of the image share addresses",
        explanation: "Program, kernel, stack and data are placed apart, and the check before writing found two that \
            overlap; the message names both. This is a fault of zeroos: please report it with the program and the \
            platform.",
    },
    Code {
        code: "ZOS-E0704",
        title: "the image could not be written as ELF",
        explanation: "The ELF writer refused what it was given, most likely because a table would be larger than the \
            format allows. This is a fault of zeroos: please report it with the program.",
    },
    Code {
        code: "ZOS-E0705",
        title: "the file is no image that this version reads",
        explanation: "An image carries a section `.zeroos` that says how to run it, and this one cannot be read: it \
            was damaged, or written by another version. Build the image again with `zeroos build APP`, or run the \
            program itself with `zeroos run APP`.",
    },
    Code {
        code: "ZOS-E0706",
        title: "the finished image does not match its plan",
        explanation: "Every image is read back before it is put in place: each segment of the program byte for byte, \
            each `ecall` or the jump in its place, the entry, the memory that it needs. One of these differs, at the \
            address in the message, \
            so nothing was written. This is a fault of zeroos: please report it with the command you gave.",
    },
    Code {
        code: "ZOS-E0707",
        title: "a stub cannot be made as planned",
        explanation: "Each replaced `ecall` jumps to a stub, whose room and reach were decided before the kernel was \
            linked; the finished stub does not fit. This is a fault of zeroos: please report it with the command you \
            gave. `--entry trap` builds an image without stubs.",
    },
    Code {
        code: "ZOS-E0708",
        title: "the machine's loader would refuse the image",
        explanation: "The platform's `[loader]` rules, which its `platform.toml` lists, were checked on the finished image, and \
            one does not hold: usually because of how the program was linked (a writable segment that is executable, \
            data among code) or because it is too large for the machine.",
    },
    Code {
        code: "ZOS-E0801",
        title: "the built-in machine cannot be set up for the image",
        explanation: "The image's note asks for memory that overlaps or is too large, or a segment of the image lies \
            outside that memory. Build the image again. If you wrote the platform, check the memory and devices in \
            its platform.toml.",
    },
    Code {
        code: "ZOS-E0802",
        title: "the image got stuck",
        explanation: "A trap was taken, and its handler trapped again before it could execute one instruction, which \
            would repeat for ever; the message shows both traps. The usual cause is a platform.toml that promises \
            memory or a device that the kernel then does not find. Otherwise it is a fault of the kernel: please \
            report it with the program.",
    },
    Code {
        code: "ZOS-E0803",
        title: "the emulator cannot be started",
        explanation: "`--engine qemu` starts the command that the image's platform names, and that program is \
            missing or cannot be executed. On Debian, `apt-get install qemu-system-misc` installs QEMU for RISC-V. \
            `zeroos doctor` shows which engines are there.",
    },
    Code {
        code: "ZOS-E0804",
        title: "the emulator ended abnormally",
        explanation: "The emulator was killed by a signal instead of ending with a status, so nothing is known of \
            the guest. Its own message, if it left one, is above the error. `--engine builtin` runs the same image \
            without it.",
    },
    Code {
        code: "ZOS-E0805",
        title: "the engine has no such machine",
        explanation: "The image was built for a platform whose runner is not this engine. Build it with `--platform \
            qemu-virt` for `--engine qemu`, or use `--engine builtin`, which runs images of every platform.",
    },
    Code {
        code: "ZOS-E0806",
        title: "the engine does not support an option",
        explanation: "Tracing, exact counts and instruction limits are the built-in machine's: an emulator from \
            outside cannot be asked for them. Leave the option away, or use `--engine builtin`.",
    },
    Code {
        code: "ZOS-E0807",
        title: "the guest's output cannot be written",
        explanation: "The run itself went on, but what the guest printed could not be passed on to this process's \
            standard output or error: a full disk, for example. Check where the output goes, and run again.",
    },
    Code {
        code: "ZOS-E0808",
        title: "the machine ended the run",
        explanation: "The guest did what its machine cannot do: an instruction or CSR that the machine lacks, a load or \
            store that is misaligned or reaches no memory, code that is written or data that is executed, or a call to \
            the host that makes no sense; the message says which, where, and in which function. In the program, it is \
            often a fault that Linux would answer by a signal, or code for a larger instruction set: compile it for the \
            one in the platform's README. In the kernel or in a platform's platform.rs it is a mistake there.",
    },
    Code {
        code: "ZOS-E0809",
        title: "the platform names no command that runs its images",
        explanation: "`--engine runner` starts the command that `[runner]` of the platform's `platform.toml` names, with `{image}`, \
            `{memory}`, `{input}` and `{public_output}` filled in. This platform has none. Leave `--engine` away to use the \
            built-in machine.",
    },
    Code {
        code: "ZOS-E0810",
        title: "there is no state to start from",
        explanation: "`--snapshot` keeps the state right before the first call that asks for input, output or the end of the \
            run. Here the kernel reached for a device while it booted, so there is no such call. Build without it; in a \
            platform of your own, let `Platform::init` touch no device.",
    },
    Code {
        code: "ZOS-E0811",
        title: "the run does not get to its first input or output",
        explanation: "`--snapshot` runs the image as it is built, up to the first call that asks for something from outside. \
            The run failed or went on for very long before that. Build without it and run the image to see why.",
    },
    Code {
        code: "ZOS-E0812",
        title: "the run changes code or constants",
        explanation: "`--snapshot` keeps writable memory as the run left it, and all other memory as it is in the file. This program \
            wrote to its code or constants before its first input or output, which machines without protection let it do. \
            Build it without `--snapshot`.",
    },
    Code {
        code: "ZOS-E0813",
        title: "the program left no such file behind",
        explanation: "`--out GUEST=HOST` copies a file or directory out of the program's file system once the program has ended. There is \
            nothing at this path: the program did not write it, wrote it elsewhere, or removed it. Paths are absolute, and the program's \
            working directory is / unless it changes it; `zeroos run --trace` shows what it opens.",
    },
    Code {
        code: "ZOS-E0814",
        title: "something that has no contents was to be copied out",
        explanation: "`--out` copies regular files, and directories of files, directories and symbolic links. What was found is \
            something else: a device such as /dev/null, or a name that this computer cannot have. Name the files that you want.",
    },
    Code {
        code: "ZOS-E0815",
        title: "the run was stopped before files could be copied out",
        explanation: "`--out` copies files when the program has ended by itself: by exiting, with whatever status, or by a signal that \
            it was sent. The kernel or the machine stopped this run: an unsupported call, a fault, the instruction limit. The message before \
            says which.",
    },
    Code {
        code: "ZOS-E0816",
        title: "the table of files to copy out is broken",
        explanation: "The kernel leaves a table in memory of the files that `--out` asks for. This one leads out of memory, or has names \
            that are no file names. On machines without protection, a program that writes through a wild pointer can do that. If \
            yours is sound, it is a fault of the kernel: please report it with the program.",
    },
    Code {
        code: "ZOS-E0901",
        title: "a file cannot be read",
        explanation: "A file named on the command line or in zeroos.toml does not exist, is a directory, or may not \
            be read; the message gives the system's reason. Check the path, relative to the working directory, and \
            the permissions.",
    },
    Code {
        code: "ZOS-E0902",
        title: "a file cannot be written",
        explanation: "Files are written beside their final place first and then renamed, so the folder must exist, \
            be writable and have room. The message gives the system's reason. What was there before is unchanged.",
    },
    Code {
        code: "ZOS-E0903",
        title: "something is already there",
        explanation: "A folder that is to be generated, by `--emit-source` or `new-platform`, exists and is not \
            empty. Nothing of yours is overwritten. Choose another name, or remove the folder first.",
    },
    Code {
        code: "ZOS-E0904",
        title: "an option or an entry of zeroos.toml cannot be understood",
        explanation: "A value does not have the form that it must have, an unknown key stands in zeroos.toml, or \
            options were combined that exclude each other, such as arguments for an image whose arguments were fixed \
            when it was built. The message says what was found and what was expected. `zeroos build --help` shows \
            the forms.",
    },
];
