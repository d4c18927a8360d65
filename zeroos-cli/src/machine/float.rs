//! The F and D extensions (ISA manual, "F" and "D" chapters): dispatch, rounding modes, NaN boxing. The arithmetic is
//! in the submodules; every result there is a function of operand bits and rounding mode, and of nothing else.

mod arithmetic;
mod compare;
mod convert;
mod format;
mod soft;

use super::execute::Exit;
use super::hart::Hart;
use crate::isa::{Instruction, Op};
use arithmetic::Operation;
use convert::Integer;
use format::{Double, Format, Single};

/// Accrued exceptions, as in `fflags`.
const INVALID: u8 = 1 << 4;
const DIVIDE_BY_ZERO: u8 = 1 << 3;
const OVERFLOW: u8 = 1 << 2;
const UNDERFLOW: u8 = 1 << 1;
const INEXACT: u8 = 1;

/// A rounding mode, by the encoding of `frm`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
    NearestEven,
    TowardZero,
    Down,
    Up,
    NearestAway,
}

impl Rounding {
    /// The mode of an instruction's rounding field, where 7 means the dynamic mode `frm`; reserved ones are illegal.
    fn of(field: u8, frm: u8) -> Result<Rounding, Exit> {
        match if field == 7 { frm } else { field } {
            0 => Ok(Rounding::NearestEven),
            1 => Ok(Rounding::TowardZero),
            2 => Ok(Rounding::Down),
            3 => Ok(Rounding::Up),
            4 => Ok(Rounding::NearestAway),
            _ => Err(Exit::Illegal),
        }
    }
}

/// Floating-point instructions are illegal while `mstatus.FS` is off, and leave the state dirty.
#[inline(always)]
pub(super) fn switched_on(hart: &mut Hart) -> Result<(), Exit> {
    if hart.csrs.float_status == 0 {
        return Err(Exit::Illegal);
    }
    hart.csrs.float_status = 3;
    Ok(())
}

/// A single as a register holds it after a load.
#[inline(always)]
pub(super) fn box_single(bits: u32) -> u64 {
    Single::to_register(u64::from(bits))
}

/// Executes one computational instruction of F or D.
pub(super) fn execute(hart: &mut Hart, i: &Instruction) -> Result<(), Exit> {
    switched_on(hart)?;
    if i.op >= Op::Fld { execute_on::<Double>(hart, i) } else { execute_on::<Single>(hart, i) }
}

/// Executes an operation on values of format `F`.
fn execute_on<F: Format>(hart: &mut Hart, i: &Instruction) -> Result<(), Exit> {
    let a = F::from_register(hart.f(i.rs1));
    let b = F::from_register(hart.f(i.rs2));
    let c = F::from_register(hart.f(i.rs3));
    let sign = F::SIGN;
    let mut flags = hart.csrs.fflags;
    let rounding = || Rounding::of(i.rounding, hart.csrs.frm);
    let float = match i.op {
        Op::FaddS | Op::FaddD => arithmetic::compute::<F>(Operation::Add, [a, b, 0], rounding()?, &mut flags),
        Op::FsubS | Op::FsubD => arithmetic::compute::<F>(Operation::Add, [a, b ^ sign, 0], rounding()?, &mut flags),
        Op::FmulS | Op::FmulD => arithmetic::compute::<F>(Operation::Multiply, [a, b, 0], rounding()?, &mut flags),
        Op::FdivS | Op::FdivD => arithmetic::compute::<F>(Operation::Divide, [a, b, 0], rounding()?, &mut flags),
        Op::FsqrtS | Op::FsqrtD => arithmetic::compute::<F>(Operation::SquareRoot, [a, 0, 0], rounding()?, &mut flags),
        Op::FmaddS | Op::FmaddD => fused::<F>([a, b, c], rounding()?, &mut flags),
        Op::FmsubS | Op::FmsubD => fused::<F>([a, b, c ^ sign], rounding()?, &mut flags),
        Op::FnmsubS | Op::FnmsubD => fused::<F>([a ^ sign, b, c], rounding()?, &mut flags),
        Op::FnmaddS | Op::FnmaddD => fused::<F>([a ^ sign, b, c ^ sign], rounding()?, &mut flags),
        Op::FsgnjS | Op::FsgnjD => a & !sign | b & sign,
        Op::FsgnjnS | Op::FsgnjnD => a & !sign | !b & sign,
        Op::FsgnjxS | Op::FsgnjxD => a ^ b & sign,
        Op::FminS | Op::FminD => compare::minimum::<F>(a, b, &mut flags),
        Op::FmaxS | Op::FmaxD => compare::maximum::<F>(a, b, &mut flags),
        Op::FcvtSW | Op::FcvtDW => from_integer::<F>(hart, i, Integer::I32, rounding()?, &mut flags),
        Op::FcvtSWu | Op::FcvtDWu => from_integer::<F>(hart, i, Integer::U32, rounding()?, &mut flags),
        Op::FcvtSL | Op::FcvtDL => from_integer::<F>(hart, i, Integer::I64, rounding()?, &mut flags),
        Op::FcvtSLu | Op::FcvtDLu => from_integer::<F>(hart, i, Integer::U64, rounding()?, &mut flags),
        // Moves take the bits as they are, boxed or not.
        Op::FmvWX => hart.x(i.rs1) & 0xffff_ffff,
        Op::FmvDX => hart.x(i.rs1),
        Op::FcvtSD => {
            let narrowed = convert::narrow(hart.f(i.rs1), rounding()?, &mut flags);
            hart.csrs.fflags = flags;
            hart.set_f(i.rd, Single::to_register(narrowed));
            return Ok(());
        }
        Op::FcvtDS => {
            rounding()?; // it never rounds, but a reserved mode is still illegal
            convert::widen(Single::from_register(hart.f(i.rs1)), &mut flags)
        }
        _ => {
            let integer = match i.op {
                Op::FeqS | Op::FeqD => compare::equal::<F>(a, b, &mut flags),
                Op::FltS | Op::FltD => compare::less::<F>(a, b, &mut flags),
                Op::FleS | Op::FleD => compare::less_or_equal::<F>(a, b, &mut flags),
                Op::FcvtWS | Op::FcvtWD => convert::to_integer::<F>(a, Integer::I32, rounding()?, &mut flags),
                Op::FcvtWuS | Op::FcvtWuD => convert::to_integer::<F>(a, Integer::U32, rounding()?, &mut flags),
                Op::FcvtLS | Op::FcvtLD => convert::to_integer::<F>(a, Integer::I64, rounding()?, &mut flags),
                Op::FcvtLuS | Op::FcvtLuD => convert::to_integer::<F>(a, Integer::U64, rounding()?, &mut flags),
                Op::FmvXW => hart.f(i.rs1) as i32 as u64,
                Op::FmvXD => hart.f(i.rs1),
                _ => compare::classify::<F>(a),
            };
            hart.csrs.fflags = flags;
            hart.set_x(i.rd, integer);
            return Ok(());
        }
    };
    hart.csrs.fflags = flags;
    hart.set_f(i.rd, F::to_register(float));
    Ok(())
}

fn fused<F: Format>(operands: [u64; 3], rounding: Rounding, flags: &mut u8) -> u64 {
    arithmetic::compute::<F>(Operation::MultiplyAdd, operands, rounding, flags)
}

fn from_integer<F: Format>(hart: &Hart, i: &Instruction, from: Integer, rounding: Rounding, flags: &mut u8) -> u64 {
    convert::from_integer::<F>(from.value_of(hart.x(i.rs1)), rounding, flags)
}
