//! The kernel's modules as Rust says them: nested by folder.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::catalog::Module;

/// `mod a; mod dir { pub mod b; … }` for every module but `fragment`, which comes first with its macros.
pub(super) fn module_tree<'a>(modules: impl Iterator<Item = &'a Module>) -> TokenStream {
    let paths: Vec<Vec<&str>> = modules.map(|module| module.segments().collect()).collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).filter(|path| *path != ["fragment"]).collect();
    nested(&paths, &TokenStream::new())
}

/// The modules at `paths`, the outermost of them with `visibility`.
fn nested(paths: &[&[&str]], visibility: &TokenStream) -> TokenStream {
    let mut folders: BTreeMap<&str, Vec<&[&str]>> = BTreeMap::new();
    let mut items = TokenStream::new();
    for path in paths {
        match path {
            [] => {}
            [name] => {
                let name = ident(name);
                items.extend(quote! { #visibility mod #name; });
            }
            [folder, rest @ ..] => folders.entry(folder).or_default().push(rest),
        }
    }
    for (folder, inner) in folders {
        let (folder, inner) = (ident(folder), nested(&inner, &quote! { pub }));
        items.extend(quote! { #visibility mod #folder { #inner } });
    }
    items
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
