//! Whether the program may go on behind an instruction that stops it by a signal: only a handler of its own can have it do
//! so, by writing another pc into the context that it is given (signal(7); `struct ucontext` of Linux/riscv64). Which
//! handler does is not looked at. In Go programs none does: what the runtime handles itself ends in a panic.

use super::cells::Cells;
use super::exit::BlockId;
use super::flow::Flow;
use super::liveness::Liveness;
use super::program::Program;
use super::resolve::{Found, Search};
use super::value::Value;
use crate::isa::Register;

/// `rt_sigaction`.
const SET_HANDLER: u64 = 134;

/// SIGILL and SIGTRAP: what an instruction that is none and `ebreak` raise.
const STOPS: [u64; 2] = [4, 5];

/// Questions asked for one number: if it takes more, it can be any.
const QUESTION_LIMIT: usize = 1_000;

/// Whether some `ecall` of `program` may set a handler of such a signal.
pub(super) fn may_be_handled(program: &Program<'_>) -> bool {
    let flow = Flow::new(program);
    let sites = || flow.sites.iter().flat_map(|(&site, blocks)| blocks.iter().map(move |&block| (block, site)));
    let forward = |(block, site), register| {
        let mut value = Value::Any;
        program.blocks.visit(block, &program.code, |at, _, state| {
            if at == site {
                value = state.get(register);
            }
        });
        value
    };
    let may_be = |value: Value<'_>, some: &[u64]| {
        value.constants().is_none_or(|numbers| numbers.iter().any(|number| some.contains(number)))
    };
    let candidates: Vec<(BlockId, u64)> = sites()
        .filter(|&site| may_be(forward(site, Register::A7), &[SET_HANDLER]))
        .filter(|&site| may_be(forward(site, Register::A0), &STOPS))
        .collect();
    if candidates.is_empty() {
        return false;
    }
    let functions = candidates.iter().map(|&(block, _)| program.blocks[block].function).collect();
    let liveness = Liveness::at(program, &flow, functions, false);
    let cells = Cells::new(program, &liveness);
    let mut search = Search::new(program, &flow, &cells, &liveness);
    search.question_limit = QUESTION_LIMIT;
    let mut can_hold = |(block, site), register, some: &[u64]| match forward((block, site), register).constants() {
        Some(numbers) => numbers.iter().any(|number| some.contains(number)),
        None => match search.register_before(block, site, register) {
            Found::Numbers(numbers, _) => numbers.iter().any(|number| some.contains(number)),
            Found::Never(_) => false,
            Found::Lost(_) => true,
        },
    };
    candidates.iter().any(|&site| can_hold(site, Register::A7, &[SET_HANDLER]) && can_hold(site, Register::A0, &STOPS))
}
