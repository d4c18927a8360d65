//! What was seen ahead changes nothing.

use super::*;
use crate::analysis::arena::Arena;
use crate::analysis::code::CodeBy;
use crate::analysis::go::tests::{FUNCTION_WORDS, program_of};
use crate::analysis::premises::Premises;
use crate::analysis::program::Program;
use crate::elf::AppElf;
use crate::isa::Op;

/// Numbers as they come (xorshift).
struct Random(u64);

impl Random {
    /// One below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// An instruction as Go's code has them, the one of `index`.
    fn instruction(&mut self, index: usize) -> u32 {
        let register = |random: &mut Random| Register::new(random.one_of(&[0, 1, 2, 2, 5, 10, 10, 11, 17]));
        let (rd, rs1, rs2) = (register(self), register(self), register(self));
        let near = self.below(16) as i32 * 8 - 32;
        let place = (self.below(FUNCTION_WORDS as u64) as i32 - index as i32) * 4;
        let (op, immediate) = match self.below(16) {
            0 => (Op::Auipc, self.one_of(&[0, 0xf000, 0x1000])),
            1 => (Op::Lui, self.one_of(&[0x1_1000, 0x2_0000])),
            2..=4 => (Op::Addi, near),
            5 => (Op::Andi, 7),
            6 => (Op::Slli, 3),
            7 => (self.one_of(&[Op::Add, Op::Sub, Op::Xor]), 0),
            8 | 9 => (self.one_of(&[Op::Ld, Op::Lw]), near),
            10 | 11 => (self.one_of(&[Op::Sd, Op::Sb]), near),
            12 => (self.one_of(&[Op::Beq, Op::Bltu]), place),
            13 => (Op::Jal, place),
            14 => (Op::Jalr, near),
            _ => (Op::Ecall, 0),
        };
        let fields = match op {
            Op::Auipc | Op::Lui => (rd, Register::ZERO, Register::ZERO),
            Op::Jal => (self.one_of(&[Register::ZERO, Register::RA]), Register::ZERO, Register::ZERO),
            Op::Beq | Op::Bltu | Op::Sd | Op::Sb => (Register::ZERO, rs1, rs2),
            Op::Add | Op::Sub | Op::Xor => (rd, rs1, rs2),
            Op::Ecall => (Register::ZERO, Register::ZERO, Register::ZERO),
            _ => (rd, rs1, Register::ZERO),
        };
        Instruction::new(op, fields.0, fields.1, fields.2, immediate).encode().expect("it fits")
    }
}

/// All that is found of the program, and at how many of its blocks a run was seen ahead if one `looks`.
fn found(elf: &AppElf, looks: bool) -> (String, usize) {
    let (arena, others) = (Arena::new(), Arena::new());
    let premises = Premises::first(elf);
    let other = Code::new(elf, &others, CodeBy::Sections, false);
    let ahead = Ahead::new(&other).expect("it is Go's");
    if looks {
        ahead.look(&other);
    }
    let mut code = Code::new(elf, &arena, CodeBy::Sections, false);
    code.ahead = Some(&ahead);
    let program = Program::recover(code, &premises);
    let mut all = format!("{:?} {:?}\n", program.functions, program.features);
    all += &format!("{:?} {:?} {:?}\n", program.pointers, program.accesses, program.sites());
    all += &format!("{:?} {:?} {:?}\n", program.address_taken, program.global_pointers, program.lost);
    let mut seen = 0;
    for id in program.blocks.ids() {
        let block = &program.blocks[id];
        all += &format!("{block:?} {:?}\n", program.blocks.state(id));
        seen += usize::from(program.code.slot(block.start).is_some_and(|slot| ahead.run_at(slot).is_some()));
    }
    (all, seen)
}

#[test]
fn the_same_is_found_whether_code_was_seen_ahead_or_not() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seen = 0;
    for _ in 0..500 {
        let code: Vec<u32> = (0..FUNCTION_WORDS).map(|index| random.instruction(index)).collect();
        let elf = AppElf::parse(program_of(&code)).expect("it is a program");
        let (with, here) = found(&elf, true);
        assert_eq!(with, found(&elf, false).0, "{code:#010x?}");
        seen += here;
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn there_is_little_of_every_run() {
    assert_eq!(size_of::<Straight>(), 32);
}
