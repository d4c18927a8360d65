//! What functions are called: their symbols if the file has any. Names only label; nothing is decided by them.

use super::code::Code;
use crate::address::Address;
use crate::elf::SymbolKind;

/// The demangled symbol at `entry`, the name that Go's function table has, `symbol+0x…` inside one, or `fn_0x…`.
pub(super) fn function_name(code: &Code<'_>, entry: u64) -> String {
    let elf = code.elf;
    let first = elf.symbols.partition_point(|symbol| symbol.address.0 < entry);
    let here = elf.symbols[first..].iter().take_while(|symbol| symbol.address.0 == entry);
    let exact = here
        .filter(|symbol| symbol.kind != SymbolKind::Object)
        .min_by_key(|symbol| (symbol.kind != SymbolKind::Function, symbol.name.starts_with('$'), &symbol.name));
    if let Some(symbol) = exact {
        return demangled(&symbol.name);
    }
    if let Some(name) = code.go.table().and_then(|table| table.name(entry)) {
        return name.to_owned();
    }
    match elf.symbol_near(Address(entry)) {
        Some(symbol) if symbol.address.0.saturating_add(symbol.size.0) > entry => {
            format!("{}+{:#x}", demangled(&symbol.name), entry - symbol.address.0)
        }
        _ => format!("fn_{entry:#x}"),
    }
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
