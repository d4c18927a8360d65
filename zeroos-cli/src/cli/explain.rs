//! `zeroos explain`: what is known of a syscall, an error code, or one site of a program.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::input::FileError;
use super::project::Project;
use super::{About, CommandResult, input, say};
use crate::address::Address;
use crate::catalog::Catalog;
use crate::diagnostic::codes::CODES;
use crate::linux::SyscallNumber;
use crate::{manifest, pipeline};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A syscall's name or number, an error code (ZOS-E0105), or a program if an ADDRESS follows
    #[arg(value_name = "NAME|NUMBER|CODE|APP")]
    what: OsString,
    /// An `ecall` of the program (0x12d7a): what it can carry and why, how it is reached, the code around it
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    match &arguments.address {
        Some(address) => site(Path::new(&arguments.what), address),
        None => word(&arguments.what.to_string_lossy()),
    }
}

/// One `ecall` of the program `app`.
fn site(app: &Path, address: &str) -> CommandResult {
    let digits = address.strip_prefix("0x").or_else(|| address.strip_prefix("0X"));
    let address = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Address).ok_or_else(|| {
        FileError::Option { what: format!("`{address}` is not an address; expected one like 0x12d7a") }
    })?;
    let enosys = Project::read()?.enosys()?;
    let examined = pipeline::examine(input::read_program(app)?).about(app)?;
    let manifest = pipeline::manifest(&examined, &enosys).about(app)?;
    let story = manifest::story(&examined.app, &examined.analysis, &manifest, address).about(app)?;
    say::data(&story)?;
    Ok(ExitCode::SUCCESS)
}

/// A syscall or an error code.
fn word(what: &str) -> CommandResult {
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
        let expected = "a Linux/riscv64 syscall by name or number, an error code like ZOS-E0105, or a program and the \
                        address of an `ecall` in it";
        return Err(FileError::Option { what: format!("`{what}` is not known here; expected {expected}") }.into());
    };
    let catalog = Catalog::embedded()?;
    say::data(&format!("{number} is Linux/riscv64 syscall {}.\n", number.0))?;
    let mut provided = false;
    for fragment in catalog.providers(number) {
        provided = true;
        let variant = fragment.handler.as_ref().and_then(|handler| handler.variant);
        let condition = variant.map_or_else(String::new, |variant| format!(" (variant {variant})"));
        say::data(&format!("\nkernel-fragments/src/{}{condition}\n  {}\n", fragment.path(), fragment.summary))?;
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
