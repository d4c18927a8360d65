//! A program that runs on the machine bare.

use object::{Object, ObjectSegment, ObjectSymbol};
use zeroos::address::{Address, AddressRange};
use zeroos::machine::{CapturedConsole, Ending, HtifAddresses, InstructionCounts, Machine, MachineConfig, StubAddress};

use crate::toolchain::{link, parse, range};

/// Where programs lie.
const ORIGIN: u64 = 0x8000_0000;
/// SiFive's test finisher.
pub const FINISHER: u64 = 0x10_0000;
/// The UART.
pub const UART: u64 = 0x1000_0000;

/// Stops with status 0.
pub const PASS: &str = "    li t0, 0x100000\n    li t1, 0x5555\n    sw t1, 0(t0)\n";

/// A program assembled for 0x80000000 and what became of it.
pub struct Bare {
    pub machine: Machine,
    pub console: CapturedConsole,
    file: Vec<u8>,
}

impl Bare {
    /// Loads `source`; the instructions between the symbols `program` and `program_end`, if any, are the program's.
    pub fn load(source: &str, input: &str, max_instructions: Option<u64>) -> Bare {
        let config = MachineConfig {
            ram: vec![range(0x7fff_0000, 0x40000)],
            uart: Some(Address(UART)),
            test_finisher: Some(Address(FINISHER)),
            max_instructions,
            ..MachineConfig::default()
        };
        Bare::load_on(config, source, input)
    }

    /// As [`load`](Bare::load), on the machine of `config`, whose entry and symbols are the program's.
    pub fn load_on(config: MachineConfig, source: &str, input: &str) -> Bare {
        Bare::load_at(ORIGIN, config, source, input)
    }

    /// As [`load_on`](Bare::load_on), with the program at `origin`.
    pub fn load_at(origin: u64, config: MachineConfig, source: &str, input: &str) -> Bare {
        let directory = tempfile::tempdir().unwrap();
        let constants = "    .option norelax\n    .globl _start\n    .text\n_start:\n";
        let path = link(directory.path(), "bare", &format!("{constants}{source}"), origin);
        let file = std::fs::read(path).unwrap();
        let elf = parse(&file);
        let symbol = |name| symbol(&file, name);
        let htif = symbol("tohost").zip(symbol("fromhost"));
        let program = symbol("program").zip(symbol("program_end"));
        let stub = symbol("stub");
        let stub_address = |(stub, site)| StubAddress { stub, site, number: Some(178) };
        let mut machine = Machine::new(&MachineConfig {
            entry: Address(elf.entry()),
            htif: htif.map(|(tohost, fromhost)| HtifAddresses { tohost, fromhost }),
            program: program.and_then(|(start, end)| AddressRange::between(start, end)).into_iter().collect(),
            stubs: stub.zip(symbol("site")).map(stub_address).into_iter().collect(),
            ..config
        })
        .unwrap();
        for segment in elf.segments() {
            // The linker puts the file's headers before the code; the program does not need them.
            let address = segment.address().max(origin);
            let bytes = &segment.data().unwrap()[(address - segment.address()) as usize..];
            assert!(machine.load(Address(address), bytes));
        }
        Bare { machine, console: CapturedConsole { input: input.into(), ..Default::default() }, file }
    }

    pub fn run(&mut self) -> Ending {
        self.machine.run(&mut self.console, &mut ())
    }

    /// The double word at `symbol + 8 * index`.
    pub fn word(&self, name: &str, index: u64) -> u64 {
        let mut bytes = [0; 8];
        assert!(self.machine.read_memory(Address(self.address(name) + 8 * index), &mut bytes));
        u64::from_le_bytes(bytes)
    }

    pub fn address(&self, name: &str) -> u64 {
        symbol(&self.file, name).unwrap().0
    }

    pub fn counts(&self) -> InstructionCounts {
        self.machine.counts()
    }
}

fn symbol(file: &[u8], name: &str) -> Option<Address> {
    parse(file).symbols().find(|symbol| symbol.name() == Ok(name)).map(|symbol| Address(symbol.address()))
}

/// Runs `source` to its end with status 0.
pub fn pass(source: &str, input: &str) -> Bare {
    let mut bare = Bare::load(&format!("{source}\n{PASS}"), input, Some(100_000));
    assert_eq!(bare.run(), Ending::Exited { status: 0 });
    bare
}
