//! The interpreter's inner loop: the base integer instructions and M, one `match` arm each; the rest by family.
//!
//! Its speed decides how long users wait, so: no look-up per instruction but the slot, results for x0 go to a spare
//! register instead of being tested for, and nothing is counted but the instructions themselves.

use super::watch::Watch;
use super::{Bus, Exit};
use crate::isa::arithmetic::{self, word};
use crate::isa::{Instruction, Op};
use crate::machine::code::{Window, slot_of};
use crate::machine::csr::Counters;
use crate::machine::float;
use crate::machine::hart::Hart;
use crate::machine::trap::{BREAKPOINT, ENVIRONMENT_CALL_FROM_M, Exception};

/// Executes at most `budget` instructions from the hart's pc on, as long as it stays in `window` and the slots
/// there are filled. Returns why it stopped and how many were begun. Afterwards the pc is that of the next instruction, or of
/// the one that did not complete.
pub(super) fn run<W: Watch>(
    hart: &mut Hart,
    window: &Window,
    bus: &mut Bus<'_, W>,
    budget: u64,
    before: Counters,
) -> (Exit, u64) {
    let Window { start, slots, .. } = window; // its prices are the watch's
    let mut pc = hart.pc;
    let mut executed = 0;
    let exit = loop {
        let place = slot_of(*start, pc);
        let Some(slot) = slots.get(place) else { break Exit::LeftWindow };
        let Some(i) = slot else { break Exit::Undecoded };
        if executed == budget {
            break Exit::BudgetSpent;
        }
        executed += 1;
        bus.watch.begin(place);
        let mut next = pc.wrapping_add(u64::from(i.length));
        let immediate = i.immediate as u64;
        let (a, b) = (hart.x(i.rs1), hart.x(i.rs2));

        // A condition that holds moves on by the immediate.
        macro_rules! branch {
            ($taken:expr) => {
                if $taken {
                    next = pc.wrapping_add(immediate);
                }
            };
        }
        // What ends the loop when it fails.
        macro_rules! or_exit {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(exit) => break exit,
                }
            };
        }
        macro_rules! load {
            () => {
                or_exit!(bus.load(a.wrapping_add(immediate)))
            };
        }
        macro_rules! store {
            ($value:expr) => {
                or_exit!(bus.store(a.wrapping_add(immediate), ($value).to_le_bytes()))
            };
        }
        macro_rules! set {
            ($value:expr) => {
                hart.set_x(i.rd, $value)
            };
        }

        match i.op {
            Op::Lui => set!(immediate),
            Op::Auipc => set!(pc.wrapping_add(immediate)),
            Op::Jal => {
                set!(next);
                next = pc.wrapping_add(immediate);
            }
            Op::Jalr => {
                set!(next);
                next = a.wrapping_add(immediate) & !1;
            }
            Op::Beq => branch!(a == b),
            Op::Bne => branch!(a != b),
            Op::Blt => branch!((a as i64) < b as i64),
            Op::Bge => branch!(a as i64 >= b as i64),
            Op::Bltu => branch!(a < b),
            Op::Bgeu => branch!(a >= b),
            Op::Lb => set!(i8::from_le_bytes(load!()) as u64),
            Op::Lh => set!(i16::from_le_bytes(load!()) as u64),
            Op::Lw => set!(i32::from_le_bytes(load!()) as u64),
            Op::Ld => set!(u64::from_le_bytes(load!())),
            Op::Lbu => set!(u64::from(u8::from_le_bytes(load!()))),
            Op::Lhu => set!(u64::from(u16::from_le_bytes(load!()))),
            Op::Lwu => set!(u64::from(u32::from_le_bytes(load!()))),
            Op::Sb => store!(b as u8),
            Op::Sh => store!(b as u16),
            Op::Sw => store!(b as u32),
            Op::Sd => store!(b),
            Op::Addi => set!(a.wrapping_add(immediate)),
            Op::Slti => set!(u64::from((a as i64) < immediate as i64)),
            Op::Sltiu => set!(u64::from(a < immediate)),
            Op::Xori => set!(a ^ immediate),
            Op::Ori => set!(a | immediate),
            Op::Andi => set!(a & immediate),
            Op::Slli => set!(a << (immediate & 63)),
            Op::Srli => set!(a >> (immediate & 63)),
            Op::Srai => set!((a as i64 >> (immediate & 63)) as u64),
            Op::Addiw => set!(word(a.wrapping_add(immediate) as u32)),
            Op::Slliw => set!(word((a as u32) << (immediate & 31))),
            Op::Srliw => set!(word(a as u32 >> (immediate & 31))),
            Op::Sraiw => set!((a as i32 >> (immediate & 31)) as u64),
            Op::Add => set!(a.wrapping_add(b)),
            Op::Sub => set!(a.wrapping_sub(b)),
            Op::Sll => set!(a << (b & 63)),
            Op::Slt => set!(u64::from((a as i64) < b as i64)),
            Op::Sltu => set!(u64::from(a < b)),
            Op::Xor => set!(a ^ b),
            Op::Srl => set!(a >> (b & 63)),
            Op::Sra => set!((a as i64 >> (b & 63)) as u64),
            Op::Or => set!(a | b),
            Op::And => set!(a & b),
            Op::Addw => set!(word(a.wrapping_add(b) as u32)),
            Op::Subw => set!(word(a.wrapping_sub(b) as u32)),
            Op::Sllw => set!(word((a as u32) << (b & 31))),
            Op::Srlw => set!(word(a as u32 >> (b & 31))),
            Op::Sraw => set!((a as i32 >> (b & 31)) as u64),
            Op::Mul => set!(a.wrapping_mul(b)),
            Op::Mulh => set!(arithmetic::mulh(a, b)),
            Op::Mulhsu => set!(arithmetic::mulhsu(a, b)),
            Op::Mulhu => set!(arithmetic::mulhu(a, b)),
            Op::Div => set!(arithmetic::div(a, b)),
            Op::Divu => set!(arithmetic::divu(a, b)),
            Op::Rem => set!(arithmetic::rem(a, b)),
            Op::Remu => set!(arithmetic::remu(a, b)),
            Op::Mulw => set!(word(a.wrapping_mul(b) as u32)),
            Op::Divw => set!(arithmetic::divw(a, b)),
            Op::Divuw => set!(arithmetic::divuw(a, b)),
            Op::Remw => set!(arithmetic::remw(a, b)),
            Op::Remuw => set!(arithmetic::remuw(a, b)),
            // One hart sees its own accesses in order; without interrupts there is nothing to wait for.
            Op::Fence | Op::Wfi => {}
            Op::FenceI => {
                pc = next;
                break Exit::CodeChanged;
            }
            Op::Ecall => break Exit::Raised(Exception { cause: ENVIRONMENT_CALL_FROM_M, value: 0 }),
            Op::Ebreak => break Exit::Raised(Exception { cause: BREAKPOINT, value: pc }),
            Op::Mret => {
                next = or_exit!(hart.return_from_trap().ok_or(Exit::Illegal));
                if hart.csrs.supervisor.is_some() {
                    // In another mode accesses are other ones.
                    pc = next;
                    break Exit::LeftWindow;
                }
            }
            Op::Flw => {
                or_exit!(float::switched_on(hart));
                hart.set_f(i.rd, float::box_single(u32::from_le_bytes(load!())));
            }
            Op::Fld => {
                or_exit!(float::switched_on(hart));
                hart.set_f(i.rd, u64::from_le_bytes(load!()));
            }
            Op::Fsw => {
                or_exit!(float::switched_on(hart));
                store!(hart.f(i.rs2) as u32);
            }
            Op::Fsd => {
                or_exit!(float::switched_on(hart));
                store!(hart.f(i.rs2));
            }
            op if op >= Op::AddUw => set!(bit_manipulation(op, a, b, immediate)),
            op if op >= Op::Flw => or_exit!(float::execute(hart, i)),
            op if op >= Op::LrW => or_exit!(atomic(hart, i, bus)),
            _ => {
                let begun = executed - 1;
                let now = Counters { executed: before.executed + begun, retired: before.retired + begun };
                if !hart.access_csr(i, now) {
                    break Exit::Illegal;
                }
            }
        }
        pc = next;
    };
    hart.pc = pc;
    (exit, executed)
}

fn atomic<W: Watch>(hart: &mut Hart, i: &Instruction, bus: &mut Bus<'_, W>) -> Result<(), Exit> {
    let (address, size) = (hart.x(i.rs1), if i.op >= Op::LrD { 8 } else { 4 });
    if address.is_multiple_of(size as u64) {
        bus.watch.look_at_atomic(bus.memory, address, size, !matches!(i.op, Op::LrW | Op::LrD))?;
    }
    match hart.execute_atomic(i, bus.memory) {
        Ok(Some(stored)) => bus.stored(stored),
        Ok(None) => Ok(()),
        Err(exception) => Err(Exit::Raised(exception)),
    }
}

/// Zba, Zbb and Zbs. An operation has either `b` or the immediate: the other is 0.
fn bit_manipulation(op: Op, a: u64, b: u64, immediate: u64) -> u64 {
    let b = b | immediate;
    let low = u64::from(a as u32);
    let bit = 1 << (b & 63);
    match op {
        Op::AddUw => low.wrapping_add(b),
        Op::Sh1add => (a << 1).wrapping_add(b),
        Op::Sh2add => (a << 2).wrapping_add(b),
        Op::Sh3add => (a << 3).wrapping_add(b),
        Op::Sh1addUw => (low << 1).wrapping_add(b),
        Op::Sh2addUw => (low << 2).wrapping_add(b),
        Op::Sh3addUw => (low << 3).wrapping_add(b),
        Op::SlliUw => low << (b & 63),
        Op::Andn => a & !b,
        Op::Orn => a | !b,
        Op::Xnor => !(a ^ b),
        Op::Clz => u64::from(a.leading_zeros()),
        Op::Clzw => u64::from((a as u32).leading_zeros()),
        Op::Ctz => u64::from(a.trailing_zeros()),
        Op::Ctzw => u64::from((a as u32).trailing_zeros()),
        Op::Cpop => u64::from(a.count_ones()),
        Op::Cpopw => u64::from((a as u32).count_ones()),
        Op::Max => (a as i64).max(b as i64) as u64,
        Op::Maxu => a.max(b),
        Op::Min => (a as i64).min(b as i64) as u64,
        Op::Minu => a.min(b),
        Op::SextB => a as i8 as u64,
        Op::SextH => a as i16 as u64,
        Op::ZextH => u64::from(a as u16),
        Op::Rol => a.rotate_left((b & 63) as u32),
        Op::Rolw => word((a as u32).rotate_left((b & 31) as u32)),
        Op::Ror | Op::Rori => a.rotate_right((b & 63) as u32),
        Op::Rorw | Op::Roriw => word((a as u32).rotate_right((b & 31) as u32)),
        Op::OrcB => arithmetic::or_combine_bytes(a),
        Op::Rev8 => a.swap_bytes(),
        Op::Bclr | Op::Bclri => a & !bit,
        Op::Bext | Op::Bexti => a >> (b & 63) & 1,
        Op::Binv | Op::Binvi => a ^ bit,
        _ => a | bit,
    }
}
