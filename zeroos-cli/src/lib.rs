//! zeroos: from an unmodified static RISC-V Linux ELF to a bespoke unikernel image. `pipeline` tells the whole story;
//! every other module is one of its stages or a type that stages hand on. `ARCHITECTURE.md` beside this crate has the map.
//!
//! A tool that embeds zeroos calls [`pipeline::examine`], [`pipeline::plan`] and [`pipeline::build`]; [`engine::run`] runs
//! what comes out. Errors arrive as [`diagnostic::Diagnostic`]: code, cause and what to do.

pub mod address;
pub mod analysis;
pub mod assets;
pub mod catalog;
pub mod cli;
pub mod compile;
pub mod diagnostic;
pub mod elf;
pub mod engine;
pub mod image;
pub mod isa;
pub mod linux;
pub mod machine;
pub mod manifest;
pub mod pipeline;
pub mod plan;
pub mod platform;
pub mod snapshot;
pub mod source;
pub mod verify;
