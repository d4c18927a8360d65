//! Whether a store-conditional surely finds its reservation. With one hart that switches threads only inside calls of the
//! kernel, a reservation is lost there and nowhere else: what a path from the `lr` to its `sc` must not contain is a call,
//! of the kernel or of a function, or another `lr` or `sc` (ISA manual, "Load-Reserved/Store-Conditional Instructions").

use super::exit::BlockId;
use super::flow::Flow;
use super::program::Program;
use crate::isa::{ControlFlow, Instruction, Op};

/// Why the `sc` at `at` in `block` may find its reservation lost; `None` if every path to it comes from an `lr` of the same
/// address without anything between that could lose it.
pub(super) fn may_be_lost(program: &Program<'_>, flow: &Flow, block: BlockId, at: u64) -> Option<String> {
    let sc = program.code.fetch(at)?;
    let mut pending = vec![(block, at)];
    let mut walked = vec![];
    while let Some((block, end)) = pending.pop() {
        let before = program.blocks.instructions(block, &program.code).take_while(|&(place, _)| place < end);
        let before: Vec<(u64, Instruction)> = before.collect();
        match before.iter().rev().find_map(|(place, instruction)| decides(&sc, *place, instruction)) {
            Some(Ok(())) => continue,
            Some(Err(why)) => return Some(why),
            None => {}
        }
        if let Some(why) = entered_from_elsewhere(program, block) {
            return Some(why);
        }
        let predecessors = flow.predecessors(block);
        if predecessors.is_empty() {
            return Some(format!("nothing is known of how control gets to {:#x}", program.blocks[block].start));
        }
        for &from in predecessors {
            if program.blocks[from].exit.call().is_some() {
                return Some(format!("a function is called right before {:#x}", program.blocks[block].start));
            }
            if !walked.contains(&from) {
                walked.push(from);
                pending.push((from, u64::MAX));
            }
        }
    }
    None
}

/// What `instruction` before `sc` decides, if it does: that the reservation holds, or why not.
fn decides(sc: &Instruction, at: u64, instruction: &Instruction) -> Option<Result<(), String>> {
    let writes_address = instruction.effects().defines.contains(sc.rs1());
    match instruction.op {
        Op::LrW | Op::LrD => {
            let same = (instruction.op == Op::LrW) == (sc.op == Op::ScW) && instruction.rs1 == sc.rs1;
            Some(if same && !writes_address {
                Ok(())
            } else {
                Err(format!("the `lr` at {at:#x} reserves something else"))
            })
        }
        Op::ScW | Op::ScD => Some(Err(format!("the `sc` at {at:#x} comes between"))),
        _ if instruction.flow() == ControlFlow::EnvironmentCall => {
            Some(Err(format!("the `ecall` at {at:#x} comes between")))
        }
        _ if writes_address => Some(Err(format!("its address changes at {at:#x}"))),
        _ => None,
    }
}

/// Why control may get to the start of `block` otherwise than from its predecessors, if it may.
fn entered_from_elsewhere(program: &Program<'_>, block: BlockId) -> Option<String> {
    let start = program.blocks[block].start;
    let entered = program.is_first(block)
        || program.is_resumption(block)
        || program.function_at(start).is_some()
        || program.address_taken.contains(&start);
    if entered {
        return Some(format!("{start:#x} is entered from elsewhere"));
    }
    let jump = program.function_of(block).unbounded_jumps.first();
    jump.map(|jump| format!("the jump at {jump:#x} may go anywhere in the function"))
}
