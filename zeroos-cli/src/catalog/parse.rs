//! A fragment's source, read with syn: its declarations, its handler's signature and the modules it names. Items under
//! `#[cfg(test)]` do not count: they never reach a kernel.
//!
//! The build script compiles this file, too (see `build.rs`), so it names only what the build script has.

use std::collections::{BTreeMap, BTreeSet};

use syn::parse::{Parse, ParseStream};
use syn::visit::Visit;
use syn::{FnArg, GenericParam, Ident, Item, LitInt, Token, Type, TypeParamBound, UseTree};

use super::CatalogError;
use super::fragment::{Fragment, Handler, Hook, Module, Moment, Parameter, StateType, Variant};
use crate::linux::SyscallNumber;

/// The root that the library has on the host.
pub const ROOT: &str = "lib.rs";

/// Every fragment of a library of `(path, text)` files, in their order; [`ROOT`] is no fragment.
///
/// # Errors
/// A file that breaks the fragment format, or two files for the same call and variant.
pub fn library(files: &[(&str, &str)]) -> Result<Vec<Fragment>, CatalogError> {
    let known: Vec<Module> = files.iter().map(|(path, _)| Module::of_path(path)).collect();
    let of_kernels = files.iter().filter(|(path, _)| *path != ROOT);
    let fragments =
        of_kernels.map(|(path, text)| fragment(path, text, &known)).collect::<Result<Vec<_>, CatalogError>>()?;
    refuse_rivals(&fragments)?;
    Ok(fragments)
}

fn refuse_rivals(fragments: &[Fragment]) -> Result<(), CatalogError> {
    let mut seen: BTreeMap<(SyscallNumber, Option<Variant>), &Fragment> = BTreeMap::new();
    for fragment in fragments {
        let Some(handler) = &fragment.handler else { continue };
        if let Some(rival) = seen.insert((handler.number, handler.variant), fragment) {
            return Err(CatalogError::Rivals { number: handler.number, first: rival.path(), second: fragment.path() });
        }
    }
    Ok(())
}

/// The modules of the library that the file `text`, which is none of them, names; none if it is no Rust, as rustc will say.
pub fn named_by(text: &str, known: &[Module]) -> BTreeSet<Module> {
    let Ok(file) = syn::parse_file(text) else { return BTreeSet::new() };
    let mut names = Names { known, needs: BTreeSet::new(), allocates: false };
    names.visit_file(&file);
    for segments in imports(&file.items).values() {
        names.note(segments);
    }
    names.needs
}

/// Reads the file `text` at `path`; `known` are the modules of the library.
fn fragment(path: &str, text: &str, known: &[Module]) -> Result<Fragment, CatalogError> {
    let mut file = syn::parse_file(text).map_err(|error| CatalogError::Syntax {
        path: path.to_owned(),
        line: error.span().start().line,
        message: error.to_string(),
    })?;
    file.items.retain(|item| !is_test_only(item));
    let wrong = |what: String| CatalogError::Format { path: path.to_owned(), what };
    let imports = imports(&file.items);
    let mut names = Names { known, needs: BTreeSet::new(), allocates: false };
    names.visit_file(&file);
    for segments in imports.values() {
        names.note(segments);
    }
    let mut fragment = Fragment {
        module: Module::of_path(path),
        text: text.to_owned().into(),
        summary: summary(&file.attrs).into(),
        needs: names.needs,
        allocates: names.allocates,
        handler: None,
        hooks: Vec::new(),
    };
    fragment.needs.remove(&fragment.module);
    for item in &file.items {
        let Item::Macro(item) = item else { continue };
        let reader = Signatures { items: &file.items, imports: &imports, module: &fragment.module, known };
        if item.mac.path.is_ident("syscall") {
            let call: SyscallDeclaration = item.mac.parse_body().map_err(|error| wrong(error.to_string()))?;
            let (parameters, returns) = reader.signature(&call.function).map_err(&wrong)?;
            let may_leave = match returns.as_str() {
                "SysResult" => false,
                "Outcome" => true,
                other => {
                    return Err(wrong(format!("`{}` returns `{other}`; expected SysResult or Outcome", call.function)));
                }
            };
            let reads_stack_pointer = imports.values().any(|path| path == &["crate", "thread", "SP"]);
            let handler = Handler {
                number: call.number,
                variant: call.variant,
                function: call.function.into(),
                parameters,
                may_leave,
                reads_stack_pointer,
                quick: None,
                turn: None,
            };
            if fragment.handler.replace(handler).is_some() {
                return Err(wrong("two `syscall!` declarations; expected one call a file".into()));
            }
        } else if item.mac.path.is_ident("quick") {
            let function = item.mac.parse_body::<Ident>().map_err(|error| wrong(error.to_string()))?.to_string();
            let (parameters, returns) = reader.signature(&function).map_err(&wrong)?;
            if returns != "Option" {
                return Err(wrong(format!("`{function}` must return `Option<SysResult>`")));
            }
            let handler = fragment.handler.as_mut().ok_or_else(|| wrong("`quick!` stands before `syscall!`".into()))?;
            handler.quick = Some((function.into(), parameters));
        } else if item.mac.path.is_ident("turn") {
            let function = item.mac.parse_body::<Ident>().map_err(|error| wrong(error.to_string()))?.to_string();
            let (parameters, returns) = reader.signature(&function).map_err(&wrong)?;
            if returns != "Option" || parameters.contains(&Parameter::Register) {
                return Err(wrong(format!("`{function}` must take no arguments and return `Option<NonNull<Thread>>`")));
            }
            let handler = fragment.handler.as_mut().ok_or_else(|| wrong("`turn!` stands before `syscall!`".into()))?;
            handler.turn = Some((function.into(), parameters));
        } else if item.mac.path.is_ident("hook") {
            let hook: HookDeclaration = item.mac.parse_body().map_err(|error| wrong(error.to_string()))?;
            let (parameters, _) = reader.signature(&hook.function).map_err(&wrong)?;
            fragment.hooks.push(Hook { moment: hook.moment, function: hook.function.into(), parameters });
        }
    }
    if path.starts_with("syscalls/") && fragment.handler.is_none() {
        return Err(wrong("no `syscall!` declaration; every file below syscalls/ provides one call".into()));
    }
    Ok(fragment)
}

/// `64 => write` or `64 => write, variant`.
struct SyscallDeclaration {
    number: SyscallNumber,
    function: String,
    variant: Option<Variant>,
}

impl Parse for SyscallDeclaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<SyscallDeclaration> {
        let number = SyscallNumber(input.parse::<LitInt>()?.base10_parse()?);
        input.parse::<Token![=>]>()?;
        let function = input.parse::<Ident>()?.to_string();
        let mut variant = None;
        if input.parse::<Option<Token![,]>>()?.is_some() {
            let word: Ident = input.parse()?;
            let unknown = || syn::Error::new(word.span(), format!("unknown variant `{word}`"));
            variant = Some(Variant::named(&word.to_string()).ok_or_else(unknown)?);
        }
        Ok(SyscallDeclaration { number, function, variant })
    }
}

/// `boot => start`.
struct HookDeclaration {
    moment: Moment,
    function: String,
}

impl Parse for HookDeclaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<HookDeclaration> {
        let word: Ident = input.parse()?;
        let unknown = || syn::Error::new(word.span(), format!("unknown moment `{word}`"));
        let moment = Moment::named(&word.to_string()).ok_or_else(unknown)?;
        input.parse::<Token![=>]>()?;
        Ok(HookDeclaration { moment, function: input.parse::<Ident>()?.to_string() })
    }
}

fn is_test_only(item: &Item) -> bool {
    let attributes = match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "test")
    })
}

/// The first paragraph of the file's `//!` documentation, on one line.
fn summary(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What each imported name stands for: its full path, `crate` or the external crate first.
fn imports(items: &[Item]) -> BTreeMap<String, Vec<String>> {
    fn walk(tree: &UseTree, prefix: &mut Vec<String>, found: &mut BTreeMap<String, Vec<String>>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                walk(&path.tree, prefix, found);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, prefix, found)),
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                found.insert(name.clone(), [prefix.as_slice(), &[name]].concat());
            }
            UseTree::Rename(rename) => {
                found.insert(rename.rename.to_string(), [prefix.as_slice(), &[rename.ident.to_string()]].concat());
            }
            UseTree::Glob(_) => {
                found.insert(format!("*{}", prefix.join("::")), prefix.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    for item in items {
        if let Item::Use(item) = item {
            walk(&item.tree, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Collects the library modules that paths name.
struct Names<'a> {
    known: &'a [Module],
    needs: BTreeSet<Module>,
    allocates: bool,
}

impl Names<'_> {
    /// Notes a full path: the longest prefix behind `crate` that is a file of the library.
    fn note(&mut self, segments: &[String]) {
        match segments.first().map(String::as_str) {
            Some("alloc") => self.allocates = true,
            Some("crate") => {
                let rest = &segments[1..];
                let mut files = (1..=rest.len()).rev().map(|end| Module::of(&rest[..end]));
                self.needs.extend(files.find(|module| self.known.contains(module)));
            }
            _ => {}
        }
    }
}

impl Visit<'_> for Names<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        syn::visit::visit_path(self, path);
    }
}

/// Reads function signatures of one file.
struct Signatures<'a> {
    items: &'a [Item],
    imports: &'a BTreeMap<String, Vec<String>>,
    module: &'a Module,
    known: &'a [Module],
}

impl Signatures<'_> {
    /// The parameters of `function` and the name of its return type.
    fn signature(&self, function: &str) -> Result<(Vec<Parameter>, String), String> {
        let found = self.items.iter().find_map(|item| match item {
            Item::Fn(item) if item.sig.ident == function => Some(&item.sig),
            _ => None,
        });
        let signature = found.ok_or_else(|| format!("declares `{function}`, but has no such function"))?;
        if signature.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))) {
            return Err(format!("`{function}` is generic; write `impl Trait` parameters"));
        }
        let mut parameters = Vec::new();
        for argument in &signature.inputs {
            let FnArg::Typed(argument) = argument else { return Err(format!("`{function}` takes self")) };
            parameters.push(self.parameter(&argument.ty)?);
        }
        let returns = match &signature.output {
            syn::ReturnType::Type(_, ty) => last_segment(ty).unwrap_or_default(),
            syn::ReturnType::Default => String::new(),
        };
        Ok((parameters, returns))
    }

    fn parameter(&self, ty: &Type) -> Result<Parameter, String> {
        let Type::Reference(reference) = ty else {
            return Ok(match last_segment(ty).as_deref() {
                Some("Leave") => Parameter::Leave,
                _ => Parameter::Register,
            });
        };
        if let Type::ImplTrait(wanted) = &*reference.elem {
            let bound = wanted.bounds.iter().find_map(|bound| match bound {
                TypeParamBound::Trait(bound) => bound.path.segments.last().map(|segment| segment.ident.to_string()),
                _ => None,
            });
            return match bound.as_deref() {
                Some("UserMemory") => Ok(Parameter::UserMemory),
                Some("Platform") => Ok(Parameter::Platform),
                other => Err(format!("`impl {}` is no kernel state", other.unwrap_or("?"))),
            };
        }
        let name = last_segment(&reference.elem).ok_or("a reference parameter must name a type")?;
        match name.as_str() {
            "Thread" if reference.mutability.is_some() => return Ok(Parameter::Thread),
            "Thread" => return Ok(Parameter::WholeThread),
            "BootInfo" => return Ok(Parameter::BootInfo),
            _ if reference.mutability.is_none() => {
                return Err(format!("`&{name}` is no kernel state; write `&mut {name}`"));
            }
            _ => {}
        }
        let module = match self.imports.get(&name) {
            Some(path) => Module::of(&path[1..path.len() - 1]),
            None => self.module.clone(),
        };
        if !self.known.contains(&module) {
            return Err(format!("`{name}` comes from `{module}`, which is no file of the library"));
        }
        let path = self.imports.get(&name);
        let name = path.and_then(|path| path.last()).cloned().unwrap_or(name);
        Ok(Parameter::State(StateType { module, name: name.into() }))
    }
}

fn last_segment(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Module> {
        ["errno.rs", "user_memory.rs", "subsystems/table.rs", "register.rs", "testing.rs"].map(Module::of_path).to_vec()
    }

    #[test]
    fn a_signature_is_a_manifest() {
        let text = "//! `write(2)`: text.\n//! More.\n\nuse crate::errno::SysResult;\nuse crate::subsystems::table::Table as T;\n\
            use crate::user_memory::UserMemory;\nsyscall!(64 => write, console_only);\n\
            pub fn write(memory: &mut impl UserMemory, files: &mut T, fd: i32, count: usize) -> SysResult { Ok(0) }\n\
            #[cfg(test)] mod tests { use crate::testing::Fake; }";
        let fragment = fragment("syscalls/io/write.rs", text, &known()).unwrap();
        let handler = fragment.handler.unwrap();
        let table = StateType { module: Module::of(&["subsystems", "table"]), name: "Table".into() };
        assert_eq!(handler.variant, Some(Variant::ConsoleOnly));
        assert_eq!(
            handler.parameters,
            [Parameter::UserMemory, Parameter::State(table), Parameter::Register, Parameter::Register]
        );
        let needs: Vec<String> = fragment.needs.iter().map(Module::to_string).collect();
        assert_eq!(needs, ["errno", "subsystems::table", "user_memory"], "tests need nothing");
        assert_eq!(fragment.summary, "`write(2)`: text. More.");
        assert!(!fragment.allocates);
    }

    #[test]
    fn what_is_no_fragment_is_refused_with_its_path() {
        for (text, expected) in [
            ("fn {", "syscalls/x.rs:1"),
            ("", "no `syscall!` declaration"),
            ("syscall!(1 => f);", "no such function"),
            ("syscall!(1 => f); fn f() -> u8 { 0 }", "returns `u8`"),
            ("quick!(f); fn f() -> Option<SysResult> { None }", "before `syscall!`"),
            ("syscall!(1 => f); quick!(f); fn f() -> SysResult { Ok(0) }", "must return `Option<SysResult>`"),
            ("turn!(f); fn f() -> Option<NonNull<Thread>> { None }", "before `syscall!`"),
            ("syscall!(1 => f); turn!(f); fn f() -> SysResult { Ok(0) }", "must take no arguments"),
            ("syscall!(1 => f, on_mondays); fn f() -> SysResult { Ok(0) }", "unknown variant"),
            ("syscall!(1 => f); fn f(x: &mut Elsewhere) -> SysResult { Ok(0) } use foreign::Elsewhere;", "no file"),
        ] {
            let error = fragment("syscalls/x.rs", text, &known()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
