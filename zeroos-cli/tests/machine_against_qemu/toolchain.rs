//! Assembling a program, and running it under QEMU and on the built-in machine. On the machine a monitor, assembled
//! here too, takes the program's `write` and `exit` calls to the host-target interface.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};
use zeroos::address::{Address, AddressRange, ByteCount};
use zeroos::machine::{CapturedConsole, Ending, HtifAddresses, InstructionCounts, Machine, MachineConfig};

const QEMU: &str = "qemu-riscv64";
const QEMU_CPU: &str = "rv64,zba=true,zbb=true,zbs=true";

/// Traps to here: `write` through the HTIF's system-call block, `exit` through its exit request. The program's
/// registers survive; a0 is the result.
const MONITOR: &str = r#"
    .globl _start, tohost, fromhost
_start:
    la t0, trap
    csrw mtvec, t0
    li t0, 3 << 13
    csrs mstatus, t0
    li sp, STACK
    li t0, ENTRY
    csrw mepc, t0
    mret
    .balign 4
trap:
    csrw mscratch, t0
    la t0, saved
    sd t1, 0(t0)
    csrr t1, mcause
    addi t1, t1, -11
    bnez t1, unexpected
    li t1, 64
    bne a7, t1, exit
    la t1, block
    sd a7, 0(t1)
    sd a0, 8(t1)
    sd a1, 16(t1)
    sd a2, 24(t1)
    la t0, tohost
    sd t1, 0(t0)
1:  ld t1, 8(t0)
    beqz t1, 1b
    sd zero, 8(t0)
    la t1, block
    ld a0, 0(t1)
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    la t0, saved
    ld t1, 0(t0)
    csrr t0, mscratch
    mret
exit:
    slli a0, a0, 1
    ori a0, a0, 1
    la t0, tohost
    sd a0, 0(t0)
unexpected:
    li a0, 99
    j exit
    .bss
    .balign 64
tohost: .dword 0
fromhost: .dword 0
saved: .dword 0
block: .space 64
"#;

/// An assembled and linked static ELF.
pub struct Program {
    path: PathBuf,
    file: Vec<u8>,
    directory: tempfile::TempDir,
}

impl Program {
    /// Assembles and links `source` at 0x10000.
    pub fn build(name: &str, source: &str) -> Program {
        let directory = tempfile::tempdir().unwrap();
        let path = link(directory.path(), name, source, 0x10000);
        let file = std::fs::read(&path).unwrap();
        Program { path, file, directory }
    }

    /// The bytes of `.text`.
    pub fn text(&self) -> &[u8] {
        parse(&self.file).section_by_name(".text").unwrap().data().unwrap()
    }

    /// What it prints under QEMU.
    pub fn run_on_qemu(&self) -> Vec<u8> {
        let output = run(Command::new(QEMU).args(["-cpu", QEMU_CPU]).arg(&self.path), "qemu-user");
        assert!(output.status.success(), "{QEMU}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// How many instructions QEMU logs when it translates one at a time.
    pub fn count_on_qemu(&self) -> u64 {
        let log = self.directory.path().join("log");
        let mut command = Command::new(QEMU);
        command.args(["-cpu", QEMU_CPU, "-singlestep", "-d", "exec,nochain", "-D"]).arg(&log).arg(&self.path);
        let output = run(&mut command, "qemu-user");
        assert!(output.status.success(), "{QEMU}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(log).unwrap().lines().filter(|line| line.starts_with("Trace ")).count() as u64
    }

    /// What it prints on the built-in machine, and what it executes there.
    pub fn run_on_machine(&self) -> (Ending, Vec<u8>, InstructionCounts) {
        let elf = parse(&self.file);
        let constants = format!(".set ENTRY, {:#x}\n.set STACK, 0x900000\n", elf.entry());
        let monitor = link(self.directory.path(), "monitor", &(constants + MONITOR), 0x8000_0000);
        let monitor_file = std::fs::read(monitor).unwrap();
        let monitor = parse(&monitor_file);
        let symbol = |name| Address(monitor.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address());
        let program = elf.segments().map(|segment| range(segment.address(), segment.size())).collect();
        let mut machine = Machine::new(&MachineConfig {
            ram: vec![range(0x1000, 0x2000000), range(0x7fff_0000, 0x20000)],
            entry: Address(monitor.entry()),
            htif: Some(HtifAddresses { tohost: symbol("tohost"), fromhost: symbol("fromhost") }),
            program,
            max_instructions: Some(1_000_000_000),
            ..MachineConfig::default()
        })
        .unwrap();
        for segment in elf.segments().chain(monitor.segments()) {
            assert!(machine.load(Address(segment.address()), segment.data().unwrap()));
        }
        let mut console = CapturedConsole::default();
        let ending = machine.run(&mut console, &mut ());
        (ending, console.output, machine.counts())
    }
}

/// `size` bytes at `start`.
pub fn range(start: u64, size: u64) -> AddressRange {
    AddressRange::new(Address(start), ByteCount(size)).unwrap()
}

/// The ELF in `file`.
pub fn parse(file: &[u8]) -> object::File<'_> {
    object::File::parse(file).unwrap()
}

/// Assembles `source` and links it with its text at `address`; the path of the ELF.
pub fn link(directory: &Path, name: &str, source: &str, address: u64) -> PathBuf {
    let [assembly, object, elf] = ["s", "o", "elf"].map(|extension| directory.join(name).with_extension(extension));
    std::fs::write(&assembly, source).unwrap();
    let mut assembler = Command::new("riscv64-linux-gnu-as");
    assembler.arg("-march=rv64gc_zba_zbb_zbs_zicsr_zifencei").arg("-o").arg(&object).arg(&assembly);
    succeed(&mut assembler);
    let mut linker = Command::new("riscv64-linux-gnu-ld");
    linker.args(["-static", "--no-relax", &format!("-Ttext={address:#x}"), "-o"]).arg(&elf).arg(&object);
    succeed(&mut linker);
    elf
}

fn succeed(command: &mut Command) {
    let output = run(command, "binutils-riscv64-linux-gnu");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn run(command: &mut Command, package: &str) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; install the package {package}"))
}
