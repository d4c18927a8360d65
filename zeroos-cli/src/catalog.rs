//! The catalog of kernel fragments, read from their source: which file provides which call, in which variant, and which
//! other files it needs. A handler's signature is its manifest (see `kernel-fragments/src/fragment.rs`).
//!
//! To read the library takes longer than most programs, so the build script does it, by the same code.

mod error;
mod fragment;
mod parse;

pub use error::CatalogError;
pub use fragment::{Fragment, Handler, Hook, Module, Moment, Parameter, StateType, Variant};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::assets;
use crate::diagnostic::Diagnose;
use crate::linux::SyscallNumber;

/// What the build script read in the library that the binary carries: every [`Fragment`] but its text.
const INDEX: &str = include_str!(concat!(env!("OUT_DIR"), "/catalog.json"));

/// Every file of the fragment library, by module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalog {
    fragments: BTreeMap<Module, Fragment>,
}

impl Catalog {
    /// The library that the binary carries.
    ///
    /// # Errors
    /// None in a binary whose index and files come from one build.
    pub fn embedded() -> Result<Catalog, CatalogError> {
        let mut fragments: Vec<Fragment> = serde_json::from_str(INDEX)
            .map_err(|error| CatalogError::Format { path: "catalog.json".to_owned(), what: error.to_string() })?;
        // They are in the order of the files. Nothing is read there, so that what nobody looks at takes no memory.
        let files = assets::FRAGMENTS.iter().filter(|(path, _)| *path != parse::ROOT);
        for (fragment, (_, text)) in fragments.iter_mut().zip(files) {
            fragment.text = Cow::Borrowed(text);
        }
        Ok(Catalog::of(fragments))
    }

    /// A library of `(path, text)` files; `lib.rs` is the host's root and no fragment.
    ///
    /// # Errors
    /// A file that breaks the fragment format, or two files for the same call and variant.
    pub fn from_files(files: &[(&str, &str)]) -> Result<Catalog, CatalogError> {
        Ok(Catalog::of(parse::library(files)?))
    }

    fn of(fragments: Vec<Fragment>) -> Catalog {
        Catalog { fragments: fragments.into_iter().map(|fragment| (fragment.module.clone(), fragment)).collect() }
    }

    /// The fragment of `module`.
    pub fn get(&self, module: &Module) -> Option<&Fragment> {
        self.fragments.get(module)
    }

    /// The library's files that `source`, a file beside it, names by `crate::…`.
    pub fn named_by(&self, source: &str) -> BTreeSet<Module> {
        let known: Vec<Module> = self.fragments.keys().cloned().collect();
        parse::named_by(source, &known)
    }

    /// Every fragment, by module.
    pub fn fragments(&self) -> impl Iterator<Item = &Fragment> {
        self.fragments.values()
    }

    /// The fragments that provide call `number`: at most one for each variant.
    pub fn providers(&self, number: SyscallNumber) -> impl Iterator<Item = &Fragment> {
        self.fragments
            .values()
            .filter(move |fragment| fragment.handler.as_ref().is_some_and(|handler| handler.number == number))
    }

    /// Every call that some fragment provides, ascending.
    pub fn provided(&self) -> Vec<SyscallNumber> {
        let mut numbers: Vec<_> =
            self.fragments.values().filter_map(|fragment| Some(fragment.handler.as_ref()?.number)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl Diagnose for CatalogError {
    fn code(&self) -> &'static str {
        match self {
            CatalogError::Syntax { .. } | CatalogError::Format { .. } => "ZOS-E0401",
            CatalogError::Rivals { .. } => "ZOS-E0402",
        }
    }

    fn help(&self) -> String {
        "correct the file; `kernel-fragments/src/fragment.rs` describes the format and \
         `kernel-fragments/src/syscalls/identity/getpid.rs` is the smallest example"
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_library_is_what_its_files_say() {
        let embedded = Catalog::embedded().unwrap();
        assert_eq!(embedded, Catalog::from_files(assets::FRAGMENTS).unwrap());
        assert!(embedded.provided().contains(&SyscallNumber(172)));
    }

    #[test]
    fn a_platforms_source_names_files_of_the_library() {
        let library = Catalog::embedded().unwrap();
        let source =
            "use crate::platform_interface::{Platform, Stream};\nfn f() { crate::subsystems::sha256::Sha256::new(); }";
        let expected = [Module::of(&["platform_interface"]), Module::of(&["subsystems", "sha256"])];
        assert_eq!(library.named_by(source), BTreeSet::from(expected));
        assert!(library.named_by("no Rust").is_empty());
    }

    #[test]
    fn two_files_for_one_call_are_refused() {
        let text = "syscall!(1 => f); fn f() -> SysResult { Ok(0) }";
        let files = [("syscalls/a.rs", text), ("syscalls/b.rs", text)];
        let error = Catalog::from_files(&files).unwrap_err().to_string();
        assert!(error.contains("syscalls/a.rs and syscalls/b.rs"), "{error}");
    }
}
