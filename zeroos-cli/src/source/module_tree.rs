//! The kernel's modules as Rust says them: nested by folder.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::catalog::Module;

/// `mod a; mod dir { pub mod b; … }` for every module but `fragment`, which comes first with its macros.
pub(super) fn module_tree<'a>(modules: impl Iterator<Item = &'a Module>) -> TokenStream {
    let mut folders: BTreeMap<&str, Vec<Module>> = BTreeMap::new();
    let mut items = TokenStream::new();
    for module in modules {
        match module.0.as_slice() {
            [] => {}
            [name] if name == "fragment" => {}
            [name] => {
                let name = ident(name);
                items.extend(quote! { mod #name; });
            }
            [folder, rest @ ..] => folders.entry(folder).or_default().push(Module(rest.to_vec())),
        }
    }
    for (folder, inner) in folders {
        let (folder, inner) = (ident(folder), public_tree(&inner));
        items.extend(quote! { mod #folder { #inner } });
    }
    items
}

/// As [`module_tree`], for the inside of a folder.
fn public_tree(modules: &[Module]) -> TokenStream {
    let mut folders: BTreeMap<&str, Vec<Module>> = BTreeMap::new();
    let mut items = TokenStream::new();
    for module in modules {
        match module.0.as_slice() {
            [] => {}
            [name] => {
                let name = ident(name);
                items.extend(quote! { pub mod #name; });
            }
            [folder, rest @ ..] => folders.entry(folder).or_default().push(Module(rest.to_vec())),
        }
    }
    for (folder, inner) in folders {
        let (folder, inner) = (ident(folder), public_tree(&inner));
        items.extend(quote! { pub mod #folder { #inner } });
    }
    items
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
