//! Reading the program: from untrusted bytes to an [`AppElf`] that later stages may trust. Every rule of what is
//! accepted lives in `elf/accept.rs`; nothing here opens files.

mod accept;
mod app;
mod error;
mod hints;
mod self_relocation;

pub use app::{AppElf, ElfKind, FloatAbi, Isa, Permissions, Relocation, Section, Segment, Symbol, SymbolKind, Tls};
pub use error::ElfError;
