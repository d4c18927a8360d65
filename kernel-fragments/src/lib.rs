//! The library of kernel code that `zeroos` picks from.
//!
//! `zeroos build` copies the files a program needs, byte for byte, and generates a root around them; this file is the
//! root for everybody else: it holds all of them at once, so that they compile and are tested on the host.
//! Which file does what: `ARCHITECTURE.md` beside the CLI, section "Kernel fragments".

#![cfg_attr(not(test), no_std)]
#![allow(clippy::too_many_arguments)] // a handler's parameters are its manifest
#![allow(clippy::new_without_default)] // kernel state is made in statics, by `const fn new`
#![deny(unsafe_code)] // the few files that need it allow it for themselves

extern crate alloc;

#[macro_use]
pub mod fragment;

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
