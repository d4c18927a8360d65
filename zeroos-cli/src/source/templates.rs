//! Renders the tera templates: assembly, linker script and the files of an emitted crate.

use std::collections::BTreeMap;
use std::mem::offset_of;

use kernel_fragments::thread::{Frame, LEAVE_FAULT, Thread};
use serde::Serialize;
use tera::{Context, Tera};

use super::{SMALLEST_TARGET, SourceError};
use crate::assets;
use crate::catalog::{Handler, Moment};
use crate::plan::{
    Callee, KernelRoom, Plan, RESUME, UNPREDICTED, call_symbol, choose_symbol, general_symbol, kept_symbol,
    quick_symbol, turn_symbol,
};
use crate::platform::EcallBehaviour;

/// Bytes of kernel stack. Handlers do not recurse, but in `span_tree.rs`, 22 deep at most, which needs about a twentieth.
const KERNEL_STACK: u64 = 64 << 10;
/// Kernel code, constants and data start on pages of their own, bytes.
const PAGE: u64 = 4096;

/// A register and where the frame keeps it, in bytes.
#[derive(Serialize)]
struct Slot {
    name: String,
    offset: usize,
}

/// The bootloader.
pub(super) fn start(plan: &Plan) -> Result<String, SourceError> {
    let mut context = Context::new();
    context.insert("float", &plan.features.float.is_some());
    context.insert("csrs", &plan.platform.has_trap_csrs());
    insert_privilege(&mut context, plan);
    render("start.S", &context)
}

/// Copying and filling.
pub(super) fn memory() -> Result<String, SourceError> {
    render("memory.S", &Context::new())
}

/// A call and the symbol of the function that serves it.
#[derive(Serialize)]
struct CallSymbol {
    number: u64,
    symbol: String,
}

/// The calls that the kernel serves, ascending.
fn calls(plan: &Plan) -> Vec<CallSymbol> {
    let provided = plan.selection.handlers.keys().map(|&number| (number.0, call_symbol(number)));
    let enosys = plan.selection.enosys.iter().map(|number| (number.0, "zeroos_enosys".to_owned()));
    let calls: BTreeMap<u64, String> = provided.chain(enosys).collect();
    calls.into_iter().map(|(number, symbol)| CallSymbol { number, symbol }).collect()
}

/// A call that is asked for its most frequent case first.
#[derive(Serialize)]
struct QuickCall {
    kept: String,
    general: String,
}

fn quick(plan: &Plan) -> Vec<QuickCall> {
    let is_asked = |handler: &Handler| handler.quick.is_some() && !handler.wants_frame();
    let handlers = plan.selection.handlers.iter().filter(|(_, (_, handler))| is_asked(handler));
    let numbers = handlers.map(|(&number, _)| number);
    numbers.map(|number| QuickCall { kept: kept_symbol(number), general: general_symbol(number) }).collect()
}

/// A call by which threads take turns.
#[derive(Serialize)]
struct TurnCall {
    turn: String,
    choose: String,
    general: String,
}

/// Those of `plan`; only stubs make them so.
fn turns(plan: &Plan) -> Vec<TurnCall> {
    let is_direct = plan.direct_sites().next().is_some();
    let handlers = plan.selection.handlers.iter().filter(|(_, (_, handler))| is_direct && handler.turn.is_some());
    let numbers = handlers.map(|(&number, _)| number);
    let symbols = |number| (turn_symbol(number), choose_symbol(number), call_symbol(number));
    numbers.map(symbols).map(|(turn, choose, general)| TurnCall { turn, choose, general }).collect()
}

/// A call whose function is given a whole frame.
#[derive(Serialize)]
struct WholeCall {
    entry: String,
    general: String,
    /// What is asked before: whom, and what does the rest.
    quick: Option<[String; 2]>,
}

fn whole(plan: &Plan) -> Vec<WholeCall> {
    let handlers = plan.selection.handlers.iter().filter(|(_, (_, handler))| handler.wants_frame());
    let calls = handlers.map(|(&number, (_, handler))| WholeCall {
        entry: call_symbol(number),
        general: general_symbol(number),
        quick: handler.quick.is_some().then(|| [quick_symbol(number), kept_symbol(number)]),
    });
    calls.collect()
}

/// Whether the dispatcher compares one number after another: for few calls, and where it is shorter than a table and only
/// there for traps that are not expected.
fn compares(plan: &Plan, calls: usize, last_call: u64) -> bool {
    const FEW: usize = 3;
    let (comparison, jump, entry) = (12, 32, 4);
    let is_used = plan.trap_sites().next().is_some()
        || plan.direct_sites().any(|(_, direct)| direct.callee == Callee::Dispatcher);
    calls <= FEW || !is_used && comparison * calls as u64 <= jump + entry * (last_call + 1)
}

/// The trap handler.
pub(super) fn trap(plan: &Plan) -> Result<String, SourceError> {
    let mut context = Context::new();
    // Where traps exist they stay served, also for an `ecall` that was held to be unreachable.
    context.insert("traps", &(plan.platform.ecall == EcallBehaviour::Mtvec));
    context.insert("direct", &plan.direct_sites().next().is_some());
    context.insert("leave_offset", &LEAVE_OFFSET);
    context.insert("fault", &LEAVE_FAULT);
    context.insert("float_state_offset", &offset_of!(Thread, float_state));
    let calls = calls(plan);
    let last_call = calls.last().map_or(0, |call| call.number);
    let table = (0..=last_call).map(|number| {
        let call = calls.binary_search_by_key(&number, |call| call.number).ok().and_then(|at| calls.get(at));
        call.map_or("zeroos_unknown_call", |call| &call.symbol)
    });
    context.insert("compares", &compares(plan, calls.len(), last_call));
    context.insert("call_table", &table.collect::<Vec<_>>());
    context.insert("last_call", &last_call);
    // Whether addresses of the kernel need more than 32 bits.
    context.insert("wide", &(plan.placement.kernel.code().end().0 > 1 << 32));
    context.insert("calls", &calls);
    context.insert("quick", &quick(plan));
    context.insert("turns", &turns(plan));
    context.insert("whole", &whole(plan));
    context.insert("continuation_offset", &offset_of!(Frame, continuation));
    context.insert("float", &plan.features.float.is_some());
    context.insert("signals", &!plan.selection.hooks(Moment::Deliver).is_empty());
    context.insert("faults", &!plan.selection.hooks(Moment::Fault).is_empty());
    context.insert("whole_frames", &plan.selection.needs_whole_frames());
    context.insert("csrs", &plan.platform.has_trap_csrs());
    insert_slots(&mut context);
    insert_privilege(&mut context, plan);
    render("trap.S", &context)
}

/// How the kernel is left otherwise than by returning where there are no CSRs; nothing if it never is.
pub(super) fn leave_without_csrs(plan: &Plan) -> Result<Option<String>, SourceError> {
    if plan.platform.has_trap_csrs() || !plan.selection.needs_whole_frames() {
        return Ok(None);
    }
    let mut context = Context::new();
    insert_slots(&mut context);
    context.insert("threads", &plan.selection.has_threads());
    context.insert("signals", &!plan.selection.hooks(Moment::Deliver).is_empty());
    context.insert("leave_offset", &LEAVE_OFFSET);
    context.insert("continuation_offset", &offset_of!(Frame, continuation));
    context.insert("continues_at_offset", &offset_of!(Frame, continues_at));
    render("leave_without_csrs.S", &context).map(Some)
}

/// The entry of an image that starts where a snapshot was taken; nothing if there is to be none.
pub(super) fn resume(plan: &Plan) -> Result<Option<String>, SourceError> {
    if !plan.snapshot {
        return Ok(None);
    }
    let mut context = Context::new();
    insert_slots(&mut context);
    context.insert("csrs", &plan.platform.has_trap_csrs());
    context.insert("float", &plan.features.float.is_some());
    context.insert("continuation_offset", &offset_of!(Frame, continuation));
    context.insert("continues_at_offset", &offset_of!(Frame, continues_at));
    insert_privilege(&mut context, plan);
    render("resume.S", &context).map(Some)
}

/// The way from machine mode behind the page table; nothing without one.
pub(super) fn supervisor(plan: &Plan) -> Result<Option<String>, SourceError> {
    let Some(table) = &plan.placement.page_table else { return Ok(None) };
    let mut context = Context::new();
    context.insert("satp", &format!("{:#x}", table.satp()));
    render("supervisor.S", &context).map(Some)
}

/// The mode in which program and kernel run.
fn insert_privilege(context: &mut Context, plan: &Plan) {
    let privilege = plan.privilege();
    let (previous, previous_bits) = privilege.previous();
    context.insert("p", &privilege.letter());
    context.insert("mode", privilege.name());
    context.insert("environment_call", &privilege.environment_call());
    context.insert("previous", previous);
    context.insert("previous_bits", previous_bits);
    context.insert("supervisor", &plan.placement.page_table.is_some());
}

/// Where the frame keeps the registers.
fn insert_slots(context: &mut Context) {
    let slots = |registers: &[(&str, usize)]| -> Vec<Slot> {
        registers.iter().map(|&(name, number)| Slot { name: name.into(), offset: number * 8 }).collect()
    };
    context.insert("caller_saved", &slots(&CALLER_SAVED));
    context.insert("callee_saved", &slots(&CALLEE_SAVED));
    let float_slot = |number: usize| Slot { name: format!("f{number}"), offset: (32 + number) * 8 };
    context.insert("float_registers", &(0..32).map(float_slot).collect::<Vec<_>>());
    context.insert("fcsr_offset", &offset_of!(Frame, fcsr));
}

/// Where a thread says how its call leaves the kernel, in bytes.
const LEAVE_OFFSET: usize = offset_of!(Thread, leave);

/// What Rust code may clobber (psABI, "Integer Register Convention"), a0 left out: it carries the result.
const CALLER_SAVED: [(&str, usize); 15] = [
    ("ra", 1),
    ("t0", 5),
    ("t1", 6),
    ("t2", 7),
    ("a1", 11),
    ("a2", 12),
    ("a3", 13),
    ("a4", 14),
    ("a5", 15),
    ("a6", 16),
    ("a7", 17),
    ("t3", 28),
    ("t4", 29),
    ("t5", 30),
    ("t6", 31),
];

/// The rest, sp left out: entry keeps it in a way of its own.
const CALLEE_SAVED: [(&str, usize); 14] = [
    ("gp", 3),
    ("tp", 4),
    ("s0", 8),
    ("s1", 9),
    ("s2", 18),
    ("s3", 19),
    ("s4", 20),
    ("s5", 21),
    ("s6", 22),
    ("s7", 23),
    ("s8", 24),
    ("s9", 25),
    ("s10", 26),
    ("s11", 27),
];

/// Where the kernel's body goes.
pub(super) fn link_script(plan: &Plan) -> Result<String, SourceError> {
    let mut context = Context::new();
    let (code, rest) = match plan.placement.kernel {
        KernelRoom::Together(room) => (None, room),
        KernelRoom::Apart { code, data } => (Some(code), data),
    };
    context.insert("start", &rest.start().to_string());
    context.insert("end", &rest.end().to_string());
    context.insert("code_start", &code.map(|code| code.start().to_string()));
    context.insert("code_end", &code.map(|code| code.end().to_string()));
    context.insert("page", &PAGE);
    context.insert("stack_size", &KERNEL_STACK);
    let mut kept: Vec<String> = plan.direct_sites().map(|(_, entry)| entry.callee.symbol()).collect();
    if plan.direct_sites().any(|(_, entry)| entry.check.is_some()) {
        kept.push(UNPREDICTED.to_owned());
    }
    if plan.selection.needs_whole_frames() {
        kept.push("zeroos_leave_otherwise".to_owned());
    }
    if plan.snapshot {
        kept.push(RESUME.to_owned());
    }
    kept.sort();
    kept.dedup();
    context.insert("kept", &kept);
    render("link.ld", &context)
}

/// Cargo.toml, cargo configuration and README of an emitted crate.
pub(super) fn crate_files(plan: &Plan) -> Result<BTreeMap<String, String>, SourceError> {
    let mut context = Context::new();
    let calls: Vec<String> = plan.selection.handlers.keys().map(|number| number.to_string()).collect();
    let target = super::target(&plan.platform);
    context.insert("target", target);
    context.insert("core_from_source", &(target == SMALLEST_TARGET));
    context.insert("application", &plan.inputs.executable_path);
    context.insert("platform", &plan.platform.name);
    context.insert("calls", &calls.join(", "));
    let files = [("Cargo.toml", "Cargo.toml"), (".cargo/config.toml", "config.toml"), ("README.md", "README.md")];
    files
        .into_iter()
        .map(|(path, template)| Ok((path.to_owned(), render(&format!("crate/{template}"), &context)?)))
        .collect()
}

/// The files of a new platform `name`, for `new-platform`; its README says that it began as `from`.
///
/// # Errors
/// A template that does not render.
pub fn platform_folder(name: &str, from: Option<&str>) -> Result<BTreeMap<String, String>, SourceError> {
    // The built-in machine is driven as Spike is: the one implementation of that, under another header.
    let spike = assets::PLATFORMS.get_file("spike/platform.rs").and_then(|file| file.contents_utf8());
    let board = spike.unwrap_or_default().lines().skip_while(|line| line.starts_with("//!"));
    let mut context = Context::new();
    context.insert("name", name);
    context.insert("from", &from);
    context.insert("htif_board", &board.collect::<Vec<_>>().join("\n"));
    let files = ["README.md", "platform.rs", "platform.toml"];
    files.into_iter().map(|file| Ok((file.to_owned(), render(&format!("platform/{file}"), &context)?))).collect()
}

/// Renders the embedded template `name`.
fn render(name: &str, context: &Context) -> Result<String, SourceError> {
    let fault = |message: String| SourceError::Template { name: name.to_owned(), message };
    let text = assets::TEMPLATES.get_file(name).and_then(|file| file.contents_utf8());
    let text = text.ok_or_else(|| fault("it is not in the binary".into()))?;
    Tera::default().render_str(text, context, false).map_err(|error| fault(error.to_string()))
}
