//! Which registers of a Go function may still be read, looked at function by function: enough to say which pointers get
//! away, and cheap, because only the functions asked for are looked at.
//!
//! ABIInternal (`abi-internal.md`, riscv64) gives scratch registers no meaning between functions: only assembly that
//! reads them itself, or that is jumped to by such, can mean something by them.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::analysis::blocks::Block;
use crate::analysis::exit::{BlockId, Callee, FunctionId};
use crate::analysis::flow::{Flow, all_registers, caller_saved};
use crate::analysis::program::Program;
use crate::analysis::state::Convention;
use crate::isa::{ControlFlow, Instruction, Register, RegisterSet};

/// How many jumps from function to function are followed for scratch registers.
const JUMP_LIMIT: u8 = 8;

/// How often the instructions of a function are gone through: each time what loops inside loops read gets further to the front.
const MOST_PASSES: u8 = 64;

/// The functions that were asked for.
pub(crate) struct GoLiveness<'p, 'a> {
    program: &'p Program<'a>,
    flow: &'p Flow,
    at_start: RefCell<FxHashMap<FunctionId, Live<'p>>>,
    /// What functions read themselves of what is in registers when they are called, by how many jumps are followed.
    own: RefCell<FxHashMap<(FunctionId, u8), RegisterSet>>,
}

/// Live registers at the start of a function's blocks.
struct Live<'p> {
    /// Ascending: a function's blocks are found in the order of their ids.
    blocks: &'p [BlockId],
    /// By place in `blocks`; `None` where none was looked at.
    live: Vec<Option<RegisterSet>>,
}

impl<'p> Live<'p> {
    fn new(blocks: &'p [BlockId]) -> Live<'p> {
        Live { blocks, live: vec![None; blocks.len()] }
    }

    fn get(&self, block: BlockId) -> Option<RegisterSet> {
        self.live[self.blocks.binary_search(&block).ok()?]
    }

    /// Whether it is new that `live` is live at the start of `block`, which is the function's.
    fn insert(&mut self, block: BlockId, live: RegisterSet) -> bool {
        let place = self.blocks.binary_search(&block).ok().map(|place| &mut self.live[place]);
        place.is_some_and(|place| place.replace(live) != Some(live))
    }
}

impl<'p, 'a> GoLiveness<'p, 'a> {
    /// Nothing is looked at yet.
    pub fn new(program: &'p Program<'a>, flow: &'p Flow) -> GoLiveness<'p, 'a> {
        GoLiveness { program, flow, at_start: RefCell::default(), own: RefCell::default() }
    }

    /// Live at the start of `block`.
    pub fn at_start(&self, block: BlockId) -> RegisterSet {
        let function = self.program.blocks[block].function;
        if let Some(live) = self.at_start.borrow().get(&function) {
            return live.get(block).unwrap_or_default();
        }
        let live = self.solve(function, |callee| self.read_by(callee), |callee| self.read_by(callee));
        let at_start = live.get(block).unwrap_or_default();
        self.at_start.borrow_mut().insert(function, live);
        at_start
    }

    /// What `callee` may read of what its caller leaves in registers.
    pub fn read_by(&self, callee: Callee<'_>) -> RegisterSet {
        let own = callee.known().map(|function| self.own(function, JUMP_LIMIT).intersection(scratch()));
        own.fold(parameters(), RegisterSet::union)
    }

    fn own(&self, function: FunctionId, jumps: u8) -> RegisterSet {
        if jumps == 0 {
            return all_registers();
        }
        if let Some(&own) = self.own.borrow().get(&(function, jumps)) {
            return own;
        }
        let jumped_to = |callee: Callee<'_>| {
            callee.known().map(|next| self.own(next, jumps - 1)).fold(parameters(), RegisterSet::union)
        };
        let own = match self.program[function].blocks[..] {
            [only] if self.program.blocks[only].is_swept() => self.read_by_swept(&self.program.blocks[only], jumped_to),
            _ => {
                let live = self.solve(function, |_| parameters(), jumped_to);
                let first = self.program.first_block(function);
                first.and_then(|first| live.get(first)).unwrap_or(all_registers())
            }
        };
        self.own.borrow_mut().insert((function, jumps), own);
        own
    }

    /// What a function that was only swept, for which `block` stands, reads itself: its instructions to a fixed point.
    fn read_by_swept(&self, block: &Block, jumped_to: impl Fn(Callee<'_>) -> RegisterSet) -> RegisterSet {
        let code = self.program.code.instructions_from(block.start).take_while(|&(at, _)| at < block.end());
        let code: Vec<(u64, Instruction)> = code.collect();
        let tail = block.exit.tail().map(jumped_to).unwrap_or_default();
        let volatile = caller_saved(Convention::Go);
        // Live before each instruction, and behind the last one, where control never gets.
        let mut live = vec![RegisterSet::EMPTY; code.len() + 1];
        for _ in 0..MOST_PASSES {
            let mut changes = false;
            for (index, (at, instruction)) in code.iter().enumerate().rev() {
                let effects = instruction.effects();
                let to = |offset: i32| {
                    let target = code.binary_search_by_key(&at.wrapping_add_signed(offset.into()), |&(at, _)| at);
                    target.map_or(tail, |target| live[target])
                };
                let links = instruction.rd() != Register::ZERO;
                let out = match effects.flow {
                    ControlFlow::Next => live[index + 1],
                    ControlFlow::Branch(offset) => live[index + 1].union(to(offset)),
                    ControlFlow::Jump(_) | ControlFlow::IndirectJump if links => {
                        live[index + 1].minus(volatile).union(parameters())
                    }
                    ControlFlow::Jump(offset) => to(offset),
                    ControlFlow::IndirectJump => returned().union(tail),
                    ControlFlow::EnvironmentCall | ControlFlow::Trap => RegisterSet::EMPTY,
                };
                let before = out.minus(effects.defines).union(effects.uses);
                changes |= before != live[index];
                live[index] = before;
            }
            if !changes {
                return live[0];
            }
        }
        all_registers()
    }

    /// A function's blocks to a fixed point, with what calls and jumps out of it read.
    fn solve(
        &self,
        function: FunctionId,
        called: impl Fn(Callee<'_>) -> RegisterSet,
        jumped_to: impl Fn(Callee<'_>) -> RegisterSet,
    ) -> Live<'p> {
        let volatile = caller_saved(Convention::Go);
        self.program[function].blocks.iter().for_each(|&block| self.program.blocks.want(block));
        let mut live = Live::new(&self.program[function].blocks);
        let mut work = self.program[function].blocks.clone();
        while let Some(block) = work.pop() {
            let found = &self.program.blocks[block];
            let after = found.exit.successors().filter_map(|next| live.get(next));
            let mut out = after.fold(RegisterSet::EMPTY, RegisterSet::union);
            if let Some(callee) = found.exit.call() {
                out = out.minus(volatile).union(called(callee));
            }
            if let Some(callee) = found.exit.tail() {
                out = out.union(jumped_to(callee));
            }
            if found.exit.returns() || found.exit.tail().is_some() {
                out = out.union(returned());
            }
            let start = out.minus(found.effects.writes).union(found.effects.reads);
            if live.insert(block, start) {
                work.extend(self.flow.predecessors(block));
            }
        }
        live
    }
}

fn set(numbers: impl Iterator<Item = u8>) -> RegisterSet {
    numbers.map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// Where Go passes arguments and results: a0–a7, s0–s7.
fn arguments() -> impl Iterator<Item = u8> {
    (10..=17).chain([8, 9]).chain(18..=23)
}

/// Arguments, the closure (x26), the goroutine (x27), sp, gp, tp, and ra for returning.
fn parameters() -> RegisterSet {
    set(arguments().chain([1, 2, 3, 4, 26, 27]))
}

/// What a caller may read after a return.
pub(crate) fn returned() -> RegisterSet {
    set(arguments().chain([2, 3, 4, 27]))
}

/// Neither arguments nor fixed.
fn scratch() -> RegisterSet {
    all_registers().minus(parameters())
}
