//! `zeroos explain`: what is known of a syscall or an error code.

use std::process::ExitCode;

use super::input::FileError;
use super::{CommandResult, say};
use crate::catalog::Catalog;
use crate::diagnostic::codes::CODES;
use crate::linux::SyscallNumber;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A syscall's name or number, or an error code (ZOS-E0105)
    #[arg(value_name = "NAME|NUMBER|CODE")]
    what: String,
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let what = arguments.what.as_str();
    if let Some(code) = CODES.iter().find(|code| code.code.eq_ignore_ascii_case(what)) {
        say::data(&format!("{}: {}\n\n{}\n", code.code, code.title, code.explanation))?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = what.parse().ok().map(SyscallNumber);
    if let Some(number) = number.filter(|number| number.name().is_none()) {
        say::data(&format!(
            "{} is no Linux/riscv64 syscall: Linux answers ENOSYS, and no fragment can be it.\n",
            number.0
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(number) = number.or_else(|| SyscallNumber::named(what)) else {
        let expected = "a Linux/riscv64 syscall by name or number, or an error code like ZOS-E0105";
        return Err(FileError::Option { what: format!("`{what}` is not known here; expected {expected}") }.into());
    };
    let catalog = Catalog::embedded()?;
    say::data(&format!("{number} is Linux/riscv64 syscall {}.\n", number.0))?;
    let mut provided = false;
    for fragment in catalog.providers(number) {
        provided = true;
        let variant = fragment.handler.as_ref().and_then(|handler| handler.variant);
        let condition = variant.map_or_else(String::new, |variant| format!(" (variant {variant})"));
        say::data(&format!("\nkernel-fragments/src/{}{condition}\n  {}\n", fragment.path, fragment.summary))?;
    }
    if !provided {
        say::data(&format!(
            "\nNo fragment provides it. A file kernel-fragments/src/syscalls/FAMILY/{number}.rs with\n\
             `syscall!({} => {number});` and its handler would; nothing else has to be touched.\n\
             `[syscalls] enosys = [\"{number}\"]` in zeroos.toml answers ENOSYS on purpose.\n",
            number.0,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
