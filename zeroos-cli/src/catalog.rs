//! The catalog of kernel fragments, read from their source: which file provides which call, in which variant, and which
//! other files it needs. A handler's signature is its manifest (see `kernel-fragments/src/fragment.rs`).

mod error;
mod fragment;
mod parse;

pub use error::CatalogError;
pub use fragment::{Fragment, Handler, Hook, Module, Moment, Parameter, StateType, Variant};

use std::collections::BTreeMap;

use crate::assets;
use crate::linux::SyscallNumber;

/// Every file of the fragment library, by module.
#[derive(Clone, Debug)]
pub struct Catalog {
    fragments: BTreeMap<Module, Fragment>,
}

impl Catalog {
    /// The library that the binary carries.
    ///
    /// # Errors
    /// A file that breaks the fragment format.
    pub fn embedded() -> Result<Catalog, CatalogError> {
        Catalog::from_files(&assets::text_files(&assets::FRAGMENTS))
    }

    /// A library of `(path, text)` files; `lib.rs` is the host's root and no fragment.
    ///
    /// # Errors
    /// A file that breaks the fragment format, or two files for the same call and variant.
    pub fn from_files(files: &[(String, &str)]) -> Result<Catalog, CatalogError> {
        let known: Vec<Module> = files.iter().map(|(path, _)| Module::of_path(path)).collect();
        let mut fragments = BTreeMap::new();
        for (path, text) in files.iter().filter(|(path, _)| path != "lib.rs" && path.ends_with(".rs")) {
            fragments.insert(Module::of_path(path), parse::fragment(path, text, &known)?);
        }
        let catalog = Catalog { fragments };
        catalog.refuse_rivals()?;
        Ok(catalog)
    }

    fn refuse_rivals(&self) -> Result<(), CatalogError> {
        let mut seen: BTreeMap<(SyscallNumber, Option<Variant>), &str> = BTreeMap::new();
        for fragment in self.fragments.values() {
            let Some(handler) = &fragment.handler else { continue };
            if let Some(rival) = seen.insert((handler.number, handler.variant), &fragment.path) {
                return Err(CatalogError::Rivals {
                    number: handler.number,
                    first: rival.to_owned(),
                    second: fragment.path.clone(),
                });
            }
        }
        Ok(())
    }

    /// The fragment of `module`.
    pub fn get(&self, module: &Module) -> Option<&Fragment> {
        self.fragments.get(module)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_library_is_sound() {
        let catalog = Catalog::embedded().unwrap();
        assert!(catalog.provided().contains(&SyscallNumber(172)));
    }
}
