//! Where instructions go: a tree of calls with the instructions that each function executed itself, in every context that it
//! was called in.
//!
//! Calls and returns are what the ISA's convention says they are ("Return-address stack" hints, ISA manual, "Unconditional
//! Jumps"): a jump that links in ra or t0 calls; one through ra or t0 that links nowhere returns, if somebody waits there. A plain
//! jump into another function leaves the function for that one. Each thread has a stack of its own, and what the kernel
//! does for a call counts as called by whoever made it. Where control returns to where nobody waits, as after `longjmp` or
//! between goroutines, the stack begins anew with the function that is there.

use std::collections::{BTreeSet, HashMap};

use super::hart::DISCARDED;
use crate::address::Address;
use crate::isa::{Instruction, Op};

/// Who executes instructions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Frame {
    /// The function that starts at this address.
    Function(Address),
    /// The kernel's work for the call with this number.
    Call(u64),
    /// The kernel, for what is no call: an exception, or before the program starts.
    Kernel,
}

/// One context, and how often something was executed in just that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stack {
    /// The outermost first.
    pub frames: Vec<Frame>,
    /// Instructions.
    pub instructions: u64,
}

/// Deeper calls are not told apart: they count for the deepest that is.
const DEEPEST: usize = 512;
/// Nor are further contexts, once all that there are have so many frames together.
const MOST_FRAMES: usize = 1 << 22;

const ROOT: u32 = 0;
/// No code lies there.
const NOWHERE: u64 = u64::MAX;
// Numbers of calls (Linux, `asm-generic/unistd.h`).
const EXIT: u64 = 93;
const RT_SIGRETURN: u64 = 139;
const RA: u8 = 1;
const T0: u8 = 5;

/// A context: its frame and the context around it.
struct Context {
    frame: Frame,
    around: u32,
    depth: usize,
    instructions: u64,
}

/// A frame on a stack.
#[derive(Clone, Copy)]
struct Open {
    context: u32,
    /// Where whoever called goes on.
    returns_to: u64,
    /// Nobody called it: a signal came.
    is_signal_handler: bool,
}

/// A stack of calls.
#[derive(Default)]
struct Calls {
    open: Vec<Open>,
    /// How many more there are, too deep to be told apart.
    deeper: usize,
}

impl Calls {
    fn clear(&mut self) {
        self.cut(0);
    }

    /// Leaves the frame at `index`, with all inside it.
    fn cut(&mut self, index: usize) {
        self.open.truncate(index);
        self.deeper = 0;
    }
}

/// What is known of a thread of the program's.
#[derive(Default)]
struct Thread {
    calls: Calls,
    /// Where it goes on if nothing else comes between.
    next: u64,
    /// Whether it comes back from a signal handler.
    ends_handler: bool,
    /// Whether it is over.
    is_over: bool,
}

/// What the last instruction was, and what the next one's address says of it.
#[derive(Clone, Copy)]
enum Step {
    Next,
    Call { returns_to: u64 },
    Return { by_ra: bool },
    Jump,
}

/// Records a run.
pub(super) struct Profile {
    contexts: Vec<Context>,
    /// How many frames all of them have together.
    frames: usize,
    known: HashMap<(u32, Frame), u32>,
    /// Where functions start, as far as symbols tell or calls have shown.
    starts: BTreeSet<u64>,
    /// By what the machine holds for each.
    threads: HashMap<u64, Thread>,
    /// The thread that runs.
    thread: u64,
    running: Thread,
    /// The kernel's calls, while that works.
    in_kernel: Calls,
    is_in_program: bool,
    current: u32,
    step: Step,
}

impl Profile {
    /// Nothing is executed yet. Functions start at `starts` at least.
    pub(super) fn new(starts: impl IntoIterator<Item = Address>) -> Profile {
        let mut profile = Profile {
            contexts: vec![Context { frame: Frame::Kernel, around: ROOT, depth: 0, instructions: 0 }],
            frames: 0,
            known: HashMap::new(),
            starts: starts.into_iter().map(|start| start.0).collect(),
            threads: HashMap::new(),
            thread: 0,
            running: Thread::default(),
            in_kernel: Calls::default(),
            is_in_program: false,
            current: ROOT,
            step: Step::Next,
        };
        profile.push(Frame::Kernel, NOWHERE);
        profile
    }

    /// The instruction at `pc` begins.
    pub(super) fn begin(&mut self, pc: u64, instruction: &Instruction) {
        match std::mem::replace(&mut self.step, Step::Next) {
            Step::Next => {}
            Step::Call { returns_to } => self.push(Frame::Function(Address(pc)), returns_to),
            Step::Return { by_ra } => self.return_to(pc, by_ra),
            Step::Jump => self.jump_to(pc),
        }
        self.count();
        self.step = match (instruction.op, instruction.rd, instruction.rs1) {
            (Op::Jal | Op::Jalr, RA | T0, _) => Step::Call { returns_to: pc.wrapping_add(instruction.length.into()) },
            (Op::Jalr, DISCARDED, RA | T0) => Step::Return { by_ra: instruction.rs1 == RA },
            (Op::Jal | Op::Jalr, DISCARDED, _) => Step::Jump,
            _ => Step::Next,
        };
    }

    /// An instruction is executed where the last one was.
    pub(super) fn count(&mut self) {
        self.contexts[self.current as usize].instructions += 1;
    }

    /// Whether the program executed the last instructions.
    pub(super) fn is_in_program(&self) -> bool {
        self.is_in_program
    }

    /// The kernel takes over from the program, which goes on at `next` if nothing else comes between; for `call`, if it made one.
    pub(super) fn enter_kernel(&mut self, call: Option<u64>, next: u64) {
        // A handler returns to code of the kernel's, or makes the call itself.
        let returns = matches!(std::mem::replace(&mut self.step, Step::Next), Step::Return { .. });
        self.running.ends_handler = call.map_or(returns, |call| call == RT_SIGRETURN);
        self.running.is_over = call == Some(EXIT);
        self.running.next = next;
        self.is_in_program = false;
        self.in_kernel.clear();
        self.push(call.map_or(Frame::Kernel, Frame::Call), NOWHERE);
    }

    /// The program's `thread` goes on at `pc`.
    pub(super) fn enter_program(&mut self, thread: u64, pc: u64) {
        self.is_in_program = true;
        self.step = Step::Next;
        if self.running.is_over {
            self.running = Thread::default();
        }
        if thread != self.thread {
            let left = std::mem::take(&mut self.running);
            self.threads.insert(self.thread, left);
            self.running = self.threads.remove(&thread).unwrap_or_default();
            self.thread = thread;
        }
        let Some(top) = self.running.calls.open.last() else { return self.begin_anew(pc) };
        self.current = top.context;
        if std::mem::take(&mut self.running.ends_handler) {
            let handler = self.running.calls.open.iter().rposition(|open| open.is_signal_handler);
            handler.into_iter().for_each(|index| self.cut(index, pc));
        } else if pc != self.running.next && self.starts.contains(&pc) {
            self.push(Frame::Function(Address(pc)), NOWHERE);
            self.running.calls.open.iter_mut().next_back().into_iter().for_each(|open| open.is_signal_handler = true);
        }
    }

    /// All contexts in which something was executed.
    pub(super) fn stacks(&self) -> Vec<Stack> {
        let executed = self.contexts.iter().filter(|context| context.instructions > 0);
        let stacks = executed.map(|context| {
            let mut frames = vec![context.frame];
            let mut around = context.around;
            while around != ROOT {
                frames.push(self.contexts[around as usize].frame);
                around = self.contexts[around as usize].around;
            }
            frames.reverse();
            Stack { frames, instructions: context.instructions }
        });
        stacks.collect()
    }

    fn calls(&mut self) -> &mut Calls {
        if self.is_in_program { &mut self.running.calls } else { &mut self.in_kernel }
    }

    fn push(&mut self, frame: Frame, returns_to: u64) {
        let calls = self.calls();
        if calls.deeper > 0 || calls.open.len() >= DEEPEST {
            calls.deeper += 1;
            return;
        }
        let context = self.context(self.current, frame);
        self.calls().open.push(Open { context, returns_to, is_signal_handler: false });
        self.current = context;
    }

    /// The context of `frame` inside that of `around`.
    fn context(&mut self, around: u32, frame: Frame) -> u32 {
        if let Some(&known) = self.known.get(&(around, frame)) {
            return known;
        }
        let depth = self.contexts[around as usize].depth + 1;
        if self.frames + depth > MOST_FRAMES {
            return around;
        }
        if let Frame::Function(start) = frame {
            self.starts.insert(start.0);
        }
        let context = self.contexts.len() as u32;
        self.contexts.push(Context { frame, around, depth, instructions: 0 });
        self.frames += depth;
        self.known.insert((around, frame), context);
        context
    }

    /// The frame at `index` of the stack is left for `pc`, with all inside it.
    fn cut(&mut self, index: usize, pc: u64) {
        self.calls().cut(index);
        match self.calls().open.last() {
            Some(top) => self.current = top.context,
            None => self.begin_anew(pc),
        }
    }

    fn return_to(&mut self, pc: u64, by_ra: bool) {
        let calls = self.calls();
        if calls.deeper > 0 {
            calls.deeper -= 1;
            return;
        }
        match calls.open.iter().rposition(|open| open.returns_to == pc) {
            Some(index) => self.cut(index, pc),
            None if by_ra && !self.starts.contains(&pc) => self.begin_anew(pc),
            None => self.jump_to(pc),
        }
    }

    /// Control goes to `pc` without a call: if another function is there, it takes the place of this one.
    fn jump_to(&mut self, pc: u64) {
        let Some(&start) = self.starts.range(..=pc).next_back() else { return };
        let (frame, here) = (Frame::Function(Address(start)), &self.contexts[self.current as usize]);
        if here.frame == frame || self.calls().deeper > 0 {
            return;
        }
        let Some(top) = self.calls().open.pop() else { return self.begin_anew(pc) };
        let context = &self.contexts[top.context as usize];
        if let Frame::Function(_) = context.frame {
            self.current = context.around;
        } else {
            // What the kernel does for a call stays around it.
            self.calls().open.push(top);
        }
        self.push(frame, top.returns_to);
        let is_signal_handler = top.is_signal_handler;
        self.calls()
            .open
            .iter_mut()
            .next_back()
            .into_iter()
            .for_each(|open| open.is_signal_handler |= is_signal_handler);
    }

    /// Nothing is known of who called what is at `pc`.
    fn begin_anew(&mut self, pc: u64) {
        let start = self.starts.range(..=pc).next_back().copied().unwrap_or(pc);
        // The kernel still works for whom it did.
        let kept = usize::from(!self.is_in_program);
        self.calls().cut(kept);
        self.current = self.calls().open.last().map_or(ROOT, |top| top.context);
        self.push(Frame::Function(Address(start)), NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has `profile` begin an instruction at each address: a call, a return, a jump, or something else.
    fn run(profile: &mut Profile, steps: &[(u64, &str)]) {
        for &(pc, what) in steps {
            let (op, rd, rs1) = match what {
                "call" => (Op::Jal, RA, 0),
                "return" => (Op::Jalr, DISCARDED, RA),
                "jump" => (Op::Jal, DISCARDED, 0),
                _ => (Op::Addi, 10, 10),
            };
            profile.begin(pc, &Instruction { op, rd, rs1, rs2: 0, rs3: 0, rounding: 0, length: 4, immediate: 0 });
        }
    }

    /// The contexts, functions by the hundreds of their addresses.
    fn contexts(profile: &Profile) -> Vec<(String, u64)> {
        let name = |frame: &Frame| match *frame {
            Frame::Function(start) => format!("{:x}", start.0 >> 8),
            Frame::Call(number) => format!("call {number}"),
            Frame::Kernel => "kernel".to_owned(),
        };
        let stacks = profile.stacks().into_iter();
        let named =
            stacks.map(|stack| (stack.frames.iter().map(name).collect::<Vec<String>>().join(" "), stack.instructions));
        let mut named: Vec<(String, u64)> = named.collect();
        named.sort();
        named
    }

    fn started(starts: &[u64]) -> Profile {
        let mut profile = Profile::new(starts.iter().copied().map(Address));
        run(&mut profile, &[(0x9000, "")]);
        profile.enter_program(1, 0x100);
        profile
    }

    fn expect(profile: &Profile, contexts_expected: &[(&str, u64)]) {
        let expected: Vec<(String, u64)> =
            contexts_expected.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
        assert_eq!(contexts(profile), expected);
    }

    #[test]
    fn calls_nest_and_jumps_to_functions_take_their_place() {
        let mut profile = started(&[0x100, 0x200, 0x300]);
        run(&mut profile, &[(0x100, "call"), (0x200, "call"), (0x400, ""), (0x404, "return"), (0x204, "jump")]);
        run(&mut profile, &[(0x300, "jump"), (0x310, "return"), (0x104, "")]);
        expect(&profile, &[("1", 2), ("1 2", 2), ("1 2 4", 2), ("1 3", 2), ("kernel", 1)]);
    }

    #[test]
    fn the_kernel_works_for_who_called_and_each_thread_has_its_stack() {
        let mut profile = started(&[0x100, 0x200]);
        run(&mut profile, &[(0x100, "call"), (0x200, "jump")]);
        profile.enter_kernel(Some(220), 0x204);
        run(&mut profile, &[(0x9100, "call"), (0x9200, "return"), (0x9104, "jump")]);
        profile.enter_program(2, 0x204);
        run(&mut profile, &[(0x204, "jump")]);
        profile.enter_kernel(Some(98), 0x208);
        profile.enter_program(1, 0x204);
        run(&mut profile, &[(0x204, "return"), (0x104, "")]);
        expect(&profile, &[("1", 2), ("1 2", 2), ("1 2 call 220", 2), ("1 2 call 220 92", 1), ("2", 1), ("kernel", 1)]);
    }

    #[test]
    fn a_signal_handler_is_called_by_what_it_interrupts() {
        let mut profile = started(&[0x100, 0x500]);
        run(&mut profile, &[(0x100, "jump")]);
        profile.enter_kernel(Some(129), 0x104);
        profile.enter_program(1, 0x500);
        run(&mut profile, &[(0x500, "jump")]);
        profile.enter_kernel(Some(RT_SIGRETURN), 0x504);
        profile.enter_program(1, 0x104);
        run(&mut profile, &[(0x104, "jump")]);
        profile.enter_kernel(Some(129), 0x108);
        profile.enter_program(1, 0x500);
        run(&mut profile, &[(0x500, "return")]);
        profile.enter_kernel(None, 0x504);
        profile.enter_program(1, 0x108);
        run(&mut profile, &[(0x108, "")]);
        expect(&profile, &[("1", 3), ("1 5", 2), ("kernel", 1)]);
    }

    #[test]
    fn where_nobody_waits_for_a_return_the_stack_begins_anew() {
        let mut profile = started(&[0x100, 0x200]);
        run(&mut profile, &[(0x100, "call"), (0x200, "return"), (0x240, ""), (0x244, "call"), (0x100, "")]);
        expect(&profile, &[("1", 1), ("1 2", 1), ("2", 2), ("2 1", 1), ("kernel", 1)]);
    }

    #[test]
    fn endless_recursion_needs_no_endless_memory_for_contexts() {
        let mut profile = started(&[0x100]);
        (0..3 * DEEPEST).for_each(|_| run(&mut profile, &[(0x100, "call")]));
        (0..9).for_each(|_| run(&mut profile, &[(0x110, "jump")]));
        assert!(profile.contexts.len() <= DEEPEST + 3 && profile.running.calls.open.len() <= DEEPEST);
        assert_eq!(profile.stacks().iter().map(|stack| stack.instructions).sum::<u64>(), 3 * DEEPEST as u64 + 10);
    }

    #[test]
    fn a_thread_has_nothing_of_one_that_is_over_and_parts_of_functions_may_lie_apart() {
        let mut profile = started(&[0x100, 0x200, 0x300]);
        run(&mut profile, &[(0x100, "jump"), (0x300, "jump"), (0x104, "jump")]);
        profile.enter_kernel(Some(EXIT), 0x108);
        profile.enter_program(1, 0x200);
        run(&mut profile, &[(0x200, "")]);
        expect(&profile, &[("1", 2), ("2", 1), ("3", 1), ("kernel", 1)]);
    }
}
