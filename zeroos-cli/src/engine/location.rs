//! Where in an image an address lies, as far as its symbols tell.

use object::{Object, ObjectSegment, ObjectSymbol};

use crate::address::Address;

/// `address` as `function+offset`, if a symbol names it.
pub(super) fn describe(image: &[u8], address: Address) -> Option<String> {
    Some(match nearest_symbol(image, address.0)? {
        (name, 0) => name,
        (name, offset) => format!("{name}+{offset:#x}"),
    })
}

/// The function symbol at or below `address` with the distance, demangled; only within one segment. Assembly labels
/// count as functions where no function symbol is nearer.
pub(super) fn nearest_symbol(image: &[u8], address: u64) -> Option<(String, u64)> {
    let file = object::File::parse(image).ok()?;
    let segment = file
        .segments()
        .find(|segment| address.checked_sub(segment.address()).is_some_and(|offset| offset < segment.size()))?;
    let symbols = file.symbols().filter(|symbol| {
        matches!(symbol.kind(), object::SymbolKind::Text | object::SymbolKind::Unknown)
            && (segment.address()..=address).contains(&symbol.address())
            && symbol.name().is_ok_and(|name| !name.is_empty())
    });
    let nearest = symbols.max_by_key(|symbol| (symbol.address(), symbol.kind() == object::SymbolKind::Text))?;
    let offset = address - nearest.address();
    // A symbol with a size speaks for no address behind it.
    if nearest.size() > 0 && offset >= nearest.size() {
        return None;
    }
    Some((format!("{:#}", rustc_demangle::demangle(nearest.name().ok()?)), offset))
}
