//! Atomic instructions as plain loads and stores: the same for whoever looks while no other thread can run in between, which
//! on one hart without preemption is always so (ISA manual, "A" extension: each is a load, an operation and a store).

use crate::isa::{Instruction, Op, Register, RegisterSet};

const ZERO: Register = Register::ZERO;

/// The instructions that do what `atomic` does, for an `sc` that finds its reservation; registers in `free` may be changed.
/// `None` if it is no atomic instruction or too few are free.
pub(super) fn plain(atomic: &Instruction, free: RegisterSet) -> Option<Vec<Instruction>> {
    let (rd, address, operand) = (atomic.rd(), atomic.rs1(), atomic.rs2());
    let is_double = (Op::LrD..=Op::AmomaxuD).contains(&atomic.op);
    let (load, store) = if is_double { (Op::Ld, Op::Sd) } else { (Op::Lw, Op::Sw) };
    let load = |to| Instruction::new(load, to, address, ZERO, 0);
    let store = |from| Instruction::new(store, ZERO, address, from, 0);
    let operand_is_free = free.contains(operand);
    let mut free = free.without(rd).without(address).without(operand).iter();
    let mut scratch = || free.next();

    match atomic.op {
        Op::LrW | Op::LrD => return Some(vec![load(rd)]),
        Op::ScW | Op::ScD => {
            let succeeds = Instruction::new(Op::Addi, rd, ZERO, ZERO, 0);
            return Some(if rd == ZERO { vec![store(operand)] } else { vec![store(operand), succeeds] });
        }
        Op::AmoswapW | Op::AmoswapD if rd == ZERO => return Some(vec![store(operand)]),
        _ => {}
    }
    // The old value: in rd at once, if that is not needed until the end.
    let old = if rd == ZERO || rd == address || rd == operand { scratch()? } else { rd };
    let mut code = vec![load(old)];
    match operation(atomic.op)? {
        Operation::Take => code.push(store(operand)),
        Operation::Compute(op) => {
            // What becomes the new value: a register whose value nobody needs any more.
            let new = if rd == ZERO {
                old
            } else if (rd == operand || operand_is_free) && operand != address {
                operand
            } else {
                scratch()?
            };
            code.push(Instruction::new(op, new, old, operand, 0));
            code.push(store(new));
        }
        Operation::Choose { stays, old_first } => {
            // Words are compared sign-extended, which keeps the order of unsigned ones, too.
            let other = if is_double { operand } else { scratch()? };
            if !is_double {
                code.push(Instruction::new(Op::Addiw, other, operand, ZERO, 0));
            }
            let (left, right) = if old_first { (old, other) } else { (other, old) };
            code.push(Instruction::new(stays, ZERO, left, right, 8));
            code.push(store(other));
        }
    }
    if old != rd && rd != ZERO {
        code.push(Instruction::new(Op::Addi, rd, old, ZERO, 0));
    }
    Some(code)
}

/// What an `amo` stores.
enum Operation {
    /// The operand.
    Take,
    /// `op old, operand`
    Compute(Op),
    /// The operand, unless a branch says that the old value stays.
    Choose { stays: Op, old_first: bool },
}

fn operation(op: Op) -> Option<Operation> {
    Some(match op {
        Op::AmoswapW | Op::AmoswapD => Operation::Take,
        Op::AmoaddW => Operation::Compute(Op::Addw),
        Op::AmoaddD => Operation::Compute(Op::Add),
        Op::AmoxorW | Op::AmoxorD => Operation::Compute(Op::Xor),
        Op::AmoandW | Op::AmoandD => Operation::Compute(Op::And),
        Op::AmoorW | Op::AmoorD => Operation::Compute(Op::Or),
        // `bge other, old`: the old value is the least.
        Op::AmominW | Op::AmominD => Operation::Choose { stays: Op::Bge, old_first: false },
        Op::AmominuW | Op::AmominuD => Operation::Choose { stays: Op::Bgeu, old_first: false },
        Op::AmomaxW | Op::AmomaxD => Operation::Choose { stays: Op::Bge, old_first: true },
        Op::AmomaxuW | Op::AmomaxuD => Operation::Choose { stays: Op::Bgeu, old_first: true },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::decode;

    fn lowered(word: u32, free: &[u8]) -> Option<Vec<String>> {
        let free = free.iter().map(|&number| Register::new(number)).collect::<Vec<_>>();
        let code = plain(&decode(&word.to_le_bytes()).unwrap(), RegisterSet::of(&free))?;
        assert!(code.iter().all(|instruction| instruction.encode().is_some()));
        Some(code.iter().map(|instruction| instruction.to_string()).collect())
    }

    #[test]
    fn reservations_become_loads_and_stores() {
        assert_eq!(lowered(0x1005_262f, &[]).unwrap(), ["lw a2, 0(a0)"]); // lr.w a2, (a0)
        assert_eq!(lowered(0x18b5_262f, &[]).unwrap(), ["sw a1, 0(a0)", "addi a2, zero, 0"]); // sc.w a2, a1, (a0)
        assert_eq!(lowered(0x18b5_302f, &[]).unwrap(), ["sd a1, 0(a0)"]); // sc.d zero, a1, (a0)
    }

    #[test]
    fn operations_use_what_is_free_and_no_more() {
        let add = 0x00b5_262f; // amoadd.w a2, a1, (a0)
        assert_eq!(lowered(add, &[]), None);
        assert_eq!(lowered(add, &[5]).unwrap(), ["lw a2, 0(a0)", "addw t0, a2, a1", "sw t0, 0(a0)"]);
        let swap = 0x08b5_262f; // amoswap.w a2, a1, (a0)
        assert_eq!(lowered(swap, &[]).unwrap(), ["lw a2, 0(a0)", "sw a1, 0(a0)"]);
        let without_result = 0x40b5_302f; // amoor.d zero, a1, (a0)
        assert_eq!(lowered(without_result, &[6]).unwrap(), ["ld t1, 0(a0)", "or t1, t1, a1", "sd t1, 0(a0)"]);
        let into_operand = 0x00b5_35af; // amoadd.d a1, a1, (a0)
        assert_eq!(
            lowered(into_operand, &[5]).unwrap(),
            ["ld t0, 0(a0)", "add a1, t0, a1", "sd a1, 0(a0)", "addi a1, t0, 0"]
        );
        let into_address = 0x00b5_352f; // amoadd.d a0, a1, (a0)
        assert_eq!(lowered(into_address, &[5]), None);
        assert_eq!(
            lowered(into_address, &[5, 6]).unwrap(),
            ["ld t0, 0(a0)", "add t1, t0, a1", "sd t1, 0(a0)", "addi a0, t0, 0"]
        );
    }

    #[test]
    fn the_least_and_the_greatest_are_chosen_by_a_branch() {
        let least = 0x80b5_262f; // amomin.w a2, a1, (a0)
        assert_eq!(
            lowered(least, &[5]).unwrap(),
            ["lw a2, 0(a0)", "addiw t0, a1, 0", "bge t0, a2, .+8", "sw t0, 0(a0)"]
        );
        let greatest = 0xe0b5_362f; // amomaxu.d a2, a1, (a0)
        assert_eq!(lowered(greatest, &[]).unwrap(), ["ld a2, 0(a0)", "bgeu a2, a1, .+8", "sd a1, 0(a0)"]);
    }
}
