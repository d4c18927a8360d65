//! The instructions around a site, as people read them: one a line, with jump targets as addresses and marks at those
//! that matter.

use std::collections::BTreeSet;

use super::layout::line;
use crate::address::Address;
use crate::elf::{AppElf, SymbolKind};
use crate::isa::{ControlFlow, Instruction, Op, Register, decode};

/// Instructions shown before and behind the site.
const BEFORE: usize = 10;
const BEHIND: usize = 4;

/// Instructions shown on either side of one that decides the number.
const AROUND: usize = 1;

/// Bytes from a function's start within which it is read from there.
const FUNCTION: u64 = 1 << 20;

/// Bytes before a place from which it is tried to read when no function's start leads to it.
const RUN_UP: u64 = 48;

/// The instruction at `address`.
pub(super) fn instruction_at(elf: &AppElf, address: Address) -> Option<Instruction> {
    elf.bytes_from(address).filter(|_| elf.is_code(address)).and_then(decode)
}

/// The name of the function symbol that covers `address`.
pub(super) fn function_at(elf: &AppElf, address: Address) -> Option<String> {
    let symbol = elf.symbol_near(address)?;
    let inside = symbol.address == address || address - symbol.address < symbol.size;
    inside.then(|| format!("{:#}", rustc_demangle::demangle(&symbol.name)))
}

/// What lies at an address of data: the object that covers it and its section, as far as the file tells.
pub(super) fn data_at(elf: &AppElf, address: Address) -> Option<String> {
    let covers = |start: Address, size: u64| start <= address && (address - start).0 < size;
    let object = elf
        .symbols
        .iter()
        .find(|symbol| symbol.kind == SymbolKind::Object && covers(symbol.address, symbol.size.0))
        .map(|symbol| format!("{:#}", rustc_demangle::demangle(&symbol.name)));
    let section = elf.sections.iter().find(|section| section.range.contains(address)).map(|section| &section.name);
    match (object, section) {
        (Some(object), Some(section)) => Some(format!("{object} in {section}")),
        (Some(object), None) => Some(object),
        (None, section) => section.cloned(),
    }
}

/// Writes the code around `site` in the function at `function`: the surroundings of the site itself and of the marked
/// instructions before it.
pub(super) fn write(text: &mut String, elf: &AppElf, function: Address, site: Address, marked: &BTreeSet<Address>) {
    let code = lines_to(elf, function, site);
    let Some(centre) = code.iter().position(|&(address, _)| address == site) else { return };
    let near = |index: usize| {
        let close = index + BEFORE >= centre && index <= centre + BEHIND;
        let around = index.saturating_sub(AROUND)..=index + AROUND;
        close || around.into_iter().any(|other| code.get(other).is_some_and(|(address, _)| marked.contains(address)))
    };
    let mut last = None;
    for (index, (address, instruction)) in code.iter().enumerate().filter(|(index, _)| near(*index)) {
        if last.is_some_and(|last| last + 1 != index) {
            line(text, format_args!("         …"));
        }
        last = Some(index);
        let mark = match (*address == site, marked.contains(address)) {
            (true, _) => '>',
            (false, true) => '*',
            _ => ' ',
        };
        let label = elf.symbols.iter().find(|symbol| symbol.address == *address && symbol.kind == SymbolKind::Function);
        if let Some(label) = label {
            line(text, format_args!("    {:#}:", rustc_demangle::demangle(&label.name)));
        }
        let Some(instruction) = instruction else {
            line(text, format_args!("  {mark} {address}  (no instruction)"));
            continue;
        };
        let note = note(elf, *address, instruction, *address < site);
        line(text, format_args!("  {mark} {address}  {:<32}{note}", instruction.to_string()));
    }
}

/// What an instruction does that its own text does not show.
fn note(elf: &AppElf, address: Address, instruction: &Instruction, before: bool) -> String {
    let effects = instruction.effects();
    let mut notes = Vec::new();
    if let ControlFlow::Branch(offset) | ControlFlow::Jump(offset) = effects.flow {
        let target = address.offset(offset.into());
        let name = function_at(elf, target).filter(|_| instruction.op == Op::Jal);
        notes.push(format!("to {target}{}", name.map_or_else(String::new, |name| format!(" {name}"))));
    }
    if before && effects.defines.contains(Register::A7) {
        notes.push("sets a7".to_owned());
    }
    if notes.is_empty() { String::new() } else { format!("# {}", notes.join(", ")) }
}

/// Address and instruction one after another, from somewhere before `site`, if possible `function`, to a little behind it.
fn lines_to(elf: &AppElf, function: Address, site: Address) -> Vec<(Address, Option<Instruction>)> {
    if function <= site && (site - function).0 <= FUNCTION {
        let code = decoded(elf, function, site);
        if code.iter().any(|&(address, _)| address == site) {
            return code;
        }
    }
    // No start is known: the farthest place from which the instructions lead to the site without a hole.
    let tries = (0..=RUN_UP / 2).map(|halves| Address(site.0.saturating_sub(RUN_UP - 2 * halves)));
    tries
        .map(|start| decoded(elf, start, site))
        .find(|code| {
            let upto = code.iter().position(|&(address, _)| address == site);
            upto.is_some_and(|upto| code[..upto].iter().all(|(_, instruction)| instruction.is_some()))
        })
        .unwrap_or_default()
}

fn decoded(elf: &AppElf, start: Address, site: Address) -> Vec<(Address, Option<Instruction>)> {
    let mut code = Vec::new();
    let mut at = start;
    let mut behind = 0;
    while behind <= BEHIND && elf.is_code(at) {
        let instruction = instruction_at(elf, at);
        code.push((at, instruction));
        behind += usize::from(at >= site);
        at = at.offset(instruction.map_or(2, |instruction| instruction.length.into()));
    }
    code
}
