//! What the decoder says an instruction reads and writes, held against what it does: on the built-in machine, no other
//! integer register changes, and nothing that comes out depends on any other. Every compressed encoding is tried, and
//! samples of all operations that can be executed one by one.
#![allow(clippy::unwrap_used)] // what fails here fails the test

use std::collections::{BTreeMap, BTreeSet};

use zeroos::address::{Address, AddressRange};
use zeroos::isa::{ControlFlow, Instruction, Op, Register, RegisterSet, decode};
use zeroos::machine::{CapturedConsole, Ending, Machine, MachineConfig};

/// All that a `jal` reaches from the code is memory, so that the machine can stand there.
const RAM: u64 = 0x1_0000;
const SIZE: u64 = 0x40_0000;
const CODE: u64 = RAM + SIZE / 2;
/// Where loads, stores and computed jumps are made to go.
const SCRATCH: u64 = CODE + 0x1000;
const SCRATCH_SIZE: usize = 256;
/// The register that switches floating point on before the instruction runs; its low half stays as it is.
const STATUS: u8 = 31;
const FLOAT_ON: u64 = 0x6000;
/// How often each operation is tried.
const TRIES: usize = 40;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// All that an instruction can see and change.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Registers {
    integer: [u64; 32],
    float: [u64; 32],
}

impl Registers {
    fn random(random: &mut Random) -> Registers {
        let mut registers = Registers { integer: [0; 32], float: [0; 32] };
        for number in 1..32 {
            let shift = random.next() % 64;
            registers.integer[number] = random.next() >> shift;
        }
        // Singles in boxes and doubles, so that something comes out of both.
        for number in 0..32 {
            let bits = random.next();
            let boxed = u64::from(f32::to_bits(bits as i32 as f32 / 1024.0)) | 0xffff_ffff << 32;
            registers.float[number] = if bits & 1 == 0 { boxed } else { f64::to_bits(bits as i64 as f64 / 1e9) };
        }
        registers.integer[usize::from(STATUS)] = registers.integer[usize::from(STATUS)] << 32 | FLOAT_ON;
        registers
    }
}

/// What is there after the instruction.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    registers: Registers,
    pc: u64,
    memory: Vec<u8>,
}

/// Executes the instruction; `None` if it traps.
fn execute(code: &[u8], before: &Registers) -> Option<Outcome> {
    let ram = AddressRange::between(Address(RAM), Address(RAM + SIZE)).unwrap();
    let config = MachineConfig { ram: vec![ram], entry: Address(CODE - 4), ..MachineConfig::default() };
    let mut machine = Machine::new(&MachineConfig { max_instructions: Some(2), ..config }).unwrap();
    let switch_on = 0x3000_1073 | u32::from(STATUS) << 15; // csrrw zero, mstatus, x31
    let scratch: Vec<u8> = (0..SCRATCH_SIZE).map(|byte| ((byte * 37) >> 3) as u8).collect();
    assert!(machine.load(Address(SCRATCH), &scratch));
    assert!(machine.load(Address(CODE - 4), &switch_on.to_le_bytes()) && machine.load(Address(CODE), code));
    for number in 0..32 {
        machine.set_x(number, before.integer[usize::from(number)]);
        machine.set_f(number, before.float[usize::from(number)]);
    }
    let ending = machine.run(&mut CapturedConsole::default(), &mut ());
    // A trap goes to address 0, where nothing is.
    if ending != Ending::InstructionLimit || machine.pc() == Address(0) {
        return None;
    }
    let numbers = std::array::from_fn::<u8, 32, _>(|number| number as u8);
    let registers =
        Registers { integer: numbers.map(|number| machine.x(number)), float: numbers.map(|number| machine.f(number)) };
    let mut memory = vec![0; SCRATCH_SIZE];
    assert!(machine.read_memory(Address(SCRATCH), &mut memory));
    Some(Outcome { registers, pc: machine.pc().0, memory })
}

/// Whether rs1 is an address.
fn needs_address(instruction: &Instruction) -> bool {
    let op = instruction.op;
    (Op::Lb..=Op::Sd).contains(&op)
        || (Op::LrW..=Op::AmomaxuD).contains(&op)
        || matches!(op, Op::Flw | Op::Fsw | Op::Fld | Op::Fsd | Op::Jalr)
}

/// Which of the registers an instruction is said to read have been seen to matter.
type Seen = BTreeMap<Op, BTreeSet<&'static str>>;

/// Tries the instruction once; false if it cannot be executed so.
fn check(code: &[u8], instruction: &Instruction, random: &mut Random, seen: &mut Seen) -> bool {
    let effects = instruction.effects();
    let mut before = Registers::random(random);
    if needs_address(instruction) {
        let base = SCRATCH.wrapping_add_signed(-i64::from(instruction.immediate));
        if instruction.rs1 == 0 || instruction.rs1 == STATUS {
            return false;
        }
        before.integer[usize::from(instruction.rs1)] = base;
    } else if random.next() & 0x300 == 0 && instruction.rs1 != STATUS && instruction.rs2 != STATUS {
        // Equal operands now and then: some branches ask for that.
        before.integer[usize::from(instruction.rs2)] = before.integer[usize::from(instruction.rs1)];
        before.integer[0] = 0;
    }
    let Some(outcome) = execute(code, &before) else { return false };
    for number in 1..32 {
        let register = Register::new(number);
        let (old, new) = (before.integer[usize::from(number)], outcome.registers.integer[usize::from(number)]);
        assert!(old == new || effects.defines.contains(register), "`{instruction}` changes {register:?}");
    }

    // Everything that it does not read is another now.
    let mut other = before.clone();
    let mut changed = RegisterSet::EMPTY;
    for number in (1..32).filter(|&number| !effects.uses.contains(Register::new(number))) {
        let mask = if number == STATUS { !0xffff_ffff } else { u64::MAX };
        other.integer[usize::from(number)] ^= random.next() & mask;
        changed = changed.with(Register::new(number));
    }
    let again = execute(code, &other).unwrap_or_else(|| panic!("`{instruction}` traps by a register it does not read"));
    for number in 1..32 {
        let register = Register::new(number);
        let index = usize::from(number);
        let kept = changed.contains(register) && !effects.defines.contains(register);
        let expected = if kept { other.integer[index] } else { outcome.registers.integer[index] };
        assert_eq!(
            again.registers.integer[index], expected,
            "`{instruction}`: {register:?} depends on what is not read"
        );
    }
    assert_eq!(again.registers.float, outcome.registers.float, "`{instruction}`");
    assert_eq!((again.pc, &again.memory), (outcome.pc, &outcome.memory), "`{instruction}`");

    // And what it reads matters.
    for (name, number) in [("rs1", instruction.rs1), ("rs2", instruction.rs2)] {
        if effects.uses.contains(Register::new(number)) && number != STATUS {
            let mut other = before.clone();
            let base = needs_address(instruction) && name == "rs1";
            let value = &mut other.integer[usize::from(number)];
            *value = if base { value.wrapping_add(64) } else { random.next() };
            let mut different = execute(code, &other);
            if let Some(different) = &mut different
                && !effects.defines.contains(Register::new(number))
            {
                different.registers.integer[usize::from(number)] = before.integer[usize::from(number)];
            }
            if different.as_ref() != Some(&outcome) {
                seen.entry(instruction.op).or_default().insert(name);
            }
        }
    }
    true
}

/// Words whose opcode, funct3 and funct7 take all values, the rest pseudo-random but for what selects operations.
fn words(random: &mut Random) -> Vec<u32> {
    let mut words = Vec::new();
    for fixed in 0..32 * 8 * 128_u32 {
        let bits = (fixed & 31) << 2 | (fixed >> 5 & 7) << 12 | (fixed >> 8) << 25 | 3;
        for rs2 in [0, 1, 2, 3, 4, 5, 7, 24, 31].repeat(4) {
            words.push(bits | random.next() as u32 & 0x000f_8f80 | rs2 << 20);
        }
    }
    words
}

#[test]
fn instructions_read_and_write_what_the_decoder_says() {
    let mut random = Random(0x5eed_0001);
    let (mut tried, mut seen) = (BTreeMap::<Op, usize>::new(), Seen::new());
    let compressed = (0..=u16::MAX).filter(|half| half & 3 != 3).map(|half| half.to_le_bytes().to_vec());
    let full: Vec<u32> = words(&mut random);
    for code in full.iter().map(|word| word.to_le_bytes().to_vec()).chain(compressed.step_by(5)) {
        let Some(instruction) = decode(&code) else { continue };
        let stops = matches!(instruction.flow(), ControlFlow::EnvironmentCall | ControlFlow::Trap);
        let count = tried.entry(instruction.op).or_default();
        if stops || instruction.op == Op::Wfi || (*count >= TRIES && instruction.length == 4) {
            continue;
        }
        *count += usize::from(check(&code, &instruction, &mut random, &mut seen));
    }
    for op in Op::all().filter(|op| !matches!(op, Op::Ecall | Op::Ebreak | Op::Mret | Op::Wfi)) {
        let count = tried.get(&op).copied().unwrap_or(0);
        assert!(count >= 4, "{op:?} was executed only {count} times");
    }
    // What a store-conditional without a reservation or a control register gets is not seen in the outcome.
    let unseen = |op: Op| matches!(op, Op::ScW | Op::ScD) || (Op::Csrrw..=Op::Csrrci).contains(&op);
    for op in Op::all().filter(|&op| !unseen(op)) {
        let sample = full.iter().filter_map(|word| decode(&word.to_le_bytes())).find(|sample| sample.op == op);
        let Some(sample) = sample.map(|sample| Instruction { rd: 5, rs1: 6, rs2: 7, ..sample }) else { continue };
        let uses = sample.effects().uses;
        for (name, register) in [("rs1", Register::new(6)), ("rs2", Register::new(7))] {
            let mattered = seen.get(&op).is_some_and(|names| names.contains(name));
            assert!(!uses.contains(register) || mattered, "{op:?} is said to read {name}, which never mattered");
        }
    }
}
