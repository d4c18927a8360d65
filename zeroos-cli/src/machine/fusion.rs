//! Sequences of instructions that CKB-VM takes for one, and what they then cost (crate ckb-vm 0.24, `decoder.rs`, `decode_mop`, of
//! machine version 2). Where a sequence is entered by a jump to its middle, its rest is what it is.

use crate::isa::{Instruction, Op};

const ZERO: u8 = 0;
const RA: u8 = 1;

/// The sequence that begins with an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fused {
    /// It costs what this costs.
    pub(super) like: Op,
    /// How many instructions belong to it, its first included.
    pub(super) count: u8,
}

/// What `instructions` begin with at address `pc`, of which more are asked for only as needed; `None` if the first stands alone.
pub(super) fn fused(pc: u64, mut instructions: impl Iterator<Item = Instruction>) -> Option<Fused> {
    let head = instructions.next()?;
    let next = match head.op {
        Op::Add | Op::Sub | Op::Lui | Op::Auipc | Op::Mulh | Op::Mulhu | Op::Mulhsu | Op::Div | Op::Divu => {
            instructions.next()?
        }
        _ => return None,
    };
    let pair = |like| Some(Fused { like, count: 2 });
    match (head.op, next.op) {
        (Op::Add, Op::Sltu) => addition(&head, &next, instructions),
        (Op::Sub, Op::Sltu) => subtraction(&head, &next, instructions),
        (Op::Lui, Op::Jalr) if is_far_call(&head, &next) => pair(Op::Jalr),
        (Op::Lui, Op::Addiw) if writes_its_source(&head, &next) => pair(Op::Addi),
        (Op::Auipc, Op::Jalr) if is_far_call(&head, &next) && sum(&head, &next).is_some() => pair(Op::Jalr),
        (Op::Auipc, Op::Addi) if writes_its_source(&head, &next) => {
            let pc = i32::try_from(pc).ok()?;
            sum(&head, &next)?.checked_add(pc)?;
            pair(Op::Addi)
        }
        (Op::Mulh | Op::Mulhu | Op::Mulhsu, Op::Mul) | (Op::Div, Op::Rem) | (Op::Divu, Op::Remu)
            if are_halves(&head, &next) =>
        {
            pair(next.op)
        }
        _ => None,
    }
}

fn is_far_call(head: &Instruction, next: &Instruction) -> bool {
    next.rs1 == head.rd && next.rd == RA && next.rs1 == RA
}

fn writes_its_source(head: &Instruction, next: &Instruction) -> bool {
    next.rs1 == next.rd && next.rd == head.rd
}

fn sum(head: &Instruction, next: &Instruction) -> Option<i32> {
    head.immediate.checked_add(next.immediate)
}

/// Two results of the same operands, of which the first spoils neither them nor the second.
fn are_halves(head: &Instruction, next: &Instruction) -> bool {
    head.rd != head.rs1 && head.rd != head.rs2 && head.rd != next.rd && (head.rs1, head.rs2) == (next.rs1, next.rs2)
}

/// `add` with `sltu`: the carry, perhaps added on, perhaps with a carry that comes in.
fn addition(head: &Instruction, next: &Instruction, mut rest: impl Iterator<Item = Instruction>) -> Option<Fused> {
    let fused = |count| Some(Fused { like: Op::Add, count });
    let (r0, r1) = (head.rd, head.rs1);
    let third = rest.next().filter(|third| third.op == Op::Add);
    if let Some(third) = third {
        let with_carry = r0 == r1
            && r1 != head.rs2
            && (next.rd, next.rs1, next.rs2) == (head.rs2, r1, head.rs2)
            && (third.rd, third.rs1) == (r1, r1)
            && third.rs2 != r1
            && third.rs2 != head.rs2
            && [r0, next.rd, third.rs2].iter().all(|&register| register != ZERO);
        if with_carry
            && let (Some(fourth), Some(last)) = (rest.next(), rest.next())
            && (fourth.op, fourth.rd, fourth.rs1, fourth.rs2) == (Op::Sltu, third.rs2, r1, third.rs2)
            && (last.op, last.rd, last.rs1, last.rs2) == (Op::Or, head.rs2, head.rs2, third.rs2)
        {
            return fused(5);
        }
        let (carry, added) = (next.rd, third.rs2);
        let compares = (next.rs1, next.rs2) == (r0, r1) && third.rs1 == carry;
        let apart = r0 != r1 && r0 != added && carry != added && r0 != ZERO && carry != ZERO;
        let shape = head.rs2 == r0 || carry == r1 || third.rd == carry;
        if compares && apart && shape {
            return fused(3);
        }
    }
    let r1 = if head.rd == head.rs1 && head.rd != head.rs2 { head.rs2 } else { head.rs1 };
    if (next.rs1, next.rs2) == (r0, r1) && r0 != r1 && r0 != ZERO { fused(2) } else { None }
}

/// `sub` with `sltu`: the borrow, perhaps with one that comes in.
fn subtraction(head: &Instruction, next: &Instruction, mut rest: impl Iterator<Item = Instruction>) -> Option<Fused> {
    let fused = |count| Some(Fused { like: Op::Sub, count });
    let (a, b) = (head.rs1, head.rs2);
    let begins = head.rd == b && a != b && next.rd != a && next.rd != b && next.rs1 == a;
    if begins
        && let (Some(third), Some(fourth), Some(last)) = (rest.next(), rest.next(), rest.next())
        && (third.op, third.rd, third.rs1) == (Op::Sub, a, b)
        && ![a, b, next.rd].contains(&third.rs2)
        && (fourth.op, fourth.rd, fourth.rs1, fourth.rs2) == (Op::Sltu, third.rs2, b, a)
        && (last.op, last.rd, last.rs1, last.rs2) == (Op::Or, b, third.rs2, next.rd)
        && ![a, b, third.rs2, next.rd].contains(&ZERO)
    {
        return fused(5);
    }
    let borrows = (next.rs1, next.rs2) == (a, b) && head.rd != a && head.rd != b;
    if borrows { fused(2) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(op: Op, rd: u8, rs1: u8, rs2: u8) -> Instruction {
        use crate::isa::Register;
        Instruction::new(op, Register::new(rd), Register::new(rs1), Register::new(rs2), 0)
    }

    #[track_caller]
    fn check(code: &[Instruction], expected: Option<(Op, u8)>) {
        let found = fused(0x1000, code.iter().copied());
        assert_eq!(found.map(|found| (found.like, found.count)), expected, "{code:?}");
    }

    #[test]
    fn sequences_and_what_is_nearly_one() {
        use Op::{Add, Addi, Addiw, Auipc, Div, Jalr, Lui, Mul, Mulhu, Or, Rem, Remu, Sltu, Sub};
        check(&[op(Lui, 5, 0, 0), op(Addiw, 5, 5, 0)], Some((Addi, 2)));
        check(&[op(Lui, 5, 0, 0), op(Addiw, 6, 5, 0)], None);
        check(&[op(Auipc, 1, 0, 0), op(Jalr, 1, 1, 0)], Some((Jalr, 2)));
        check(&[op(Auipc, 5, 0, 0), op(Jalr, 1, 5, 0)], None);
        check(&[op(Auipc, 5, 0, 0), op(Addi, 5, 5, 0)], Some((Addi, 2)));
        assert_eq!(fused(1 << 31, [op(Auipc, 5, 0, 0), op(Addi, 5, 5, 0)].into_iter()), None);
        check(&[op(Mulhu, 5, 6, 7), op(Mul, 8, 6, 7)], Some((Mul, 2)));
        check(&[op(Mulhu, 6, 6, 7), op(Mul, 8, 6, 7)], None);
        check(&[op(Div, 5, 6, 7), op(Rem, 6, 6, 7)], Some((Rem, 2)));
        check(&[op(Div, 5, 6, 7), op(Remu, 6, 6, 7)], None);
        check(&[op(Add, 5, 6, 7), op(Sltu, 8, 5, 6)], Some((Add, 2)));
        check(&[op(Add, 5, 5, 7), op(Sltu, 8, 5, 7)], Some((Add, 2)));
        check(&[op(Add, 5, 6, 7), op(Sltu, 8, 5, 7)], None);
        check(&[op(Add, 5, 6, 7), op(Sltu, 8, 5, 6), op(Add, 8, 8, 9)], Some((Add, 3)));
        check(&[op(Add, 5, 6, 5), op(Sltu, 8, 5, 6), op(Add, 10, 8, 9)], Some((Add, 3)));
        check(&[op(Add, 5, 6, 7), op(Sltu, 6, 5, 6), op(Add, 10, 6, 9)], Some((Add, 3)));
        check(&[op(Add, 5, 6, 7), op(Sltu, 8, 5, 6), op(Add, 10, 8, 9)], Some((Add, 2)));
        let adc = [op(Add, 5, 5, 6), op(Sltu, 6, 5, 6), op(Add, 5, 5, 7), op(Sltu, 7, 5, 7), op(Or, 6, 6, 7)];
        check(&adc, Some((Add, 5)));
        check(&adc[..4], Some((Add, 2)));
        let sbb = [op(Sub, 6, 5, 6), op(Sltu, 8, 5, 6), op(Sub, 5, 6, 7), op(Sltu, 7, 6, 5), op(Or, 6, 7, 8)];
        check(&sbb, Some((Sub, 5)));
        check(&sbb[..4], None);
        check(&[op(Sub, 5, 6, 7), op(Sltu, 8, 6, 7)], Some((Sub, 2)));
        check(&[op(Sub, 6, 6, 7), op(Sltu, 8, 6, 7)], None);
        check(&[op(Add, 5, 6, 7)], None);
    }
}
