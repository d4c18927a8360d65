//! What a program's text says without any analysis, by GNU binutils: its size, and the numbers that a scan finds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::step::Step;

/// Functions that take a syscall number, by their symbols, and the register that carries it. The scan alone goes by
/// these names; the analysis must do without.
const WRAPPERS: [(&str, &str); 13] = [
    // musl, glibc
    ("syscall", "a0"),
    ("__syscall_cp", "a0"),
    ("__syscall_cp_c", "a0"),
    ("__syscall_cancel", "a6"),
    ("__internal_syscall_cancel", "a6"),
    // Go
    ("internal/runtime/syscall/linux.Syscall6", "a0"),
    ("internal/runtime/syscall.Syscall6", "a0"),
    ("syscall.Syscall", "a0"),
    ("syscall.Syscall6", "a0"),
    ("syscall.RawSyscall", "a0"),
    ("syscall.RawSyscall6", "a0"),
    ("syscall.rawSyscallNoError", "a0"),
    ("syscall.rawVforkSyscall", "a0"),
];

/// The size of all sections that hold code.
pub fn bytes(program: &Path) -> Result<u64> {
    let table = Step::new("riscv64-linux-gnu-readelf").arg("-SW").arg(program).output()?;
    let size = |line: &str| {
        let (_, line) = line.split_once(']')?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_name, _type, _address, _offset, size, _entry, flags, ..] = words.as_slice() else { return None };
        flags.contains('X').then(|| u64::from_str_radix(size, 16).ok()).flatten()
    };
    match table.lines().filter_map(size).sum() {
        0 => bail!("{}: no section holds code", program.display()),
        bytes => Ok(bytes),
    }
}

/// The numbers that a scan of the whole text finds: each constant that `li` puts into a7 and that is still there at an
/// `ecall` further down the same straight line; and, where symbols tell the wrappers, each constant put into a wrapper's
/// number register before a call of it.
pub fn constants(program: &Path) -> Result<BTreeSet<u64>> {
    let mut child = Command::new("riscv64-linux-gnu-objdump")
        .args(["-d", "--no-show-raw-insn"])
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start riscv64-linux-gnu-objdump")?;
    let stdout = child.stdout.take().context("its output is piped")?;
    let mut scan = Scan::default();
    for line in BufReader::new(stdout).split(b'\n') {
        scan.line(&String::from_utf8_lossy(&line?));
    }
    if !child.wait()?.success() {
        bail!("objdump failed on {}", program.display());
    }
    Ok(scan.found)
}

#[derive(Default)]
struct Scan {
    /// Constants in registers on the present straight line.
    held: BTreeMap<String, u64>,
    found: BTreeSet<u64>,
}

impl Scan {
    /// One line of `objdump -d`: `   10438:\tli\ta7,93`.
    fn line(&mut self, line: &str) {
        let mut parts = line.split('\t');
        if !parts.next().is_some_and(|address| address.ends_with(':')) {
            self.held.clear();
            return;
        }
        let (mnemonic, operands) = (parts.next().unwrap_or_default().trim(), parts.next().unwrap_or_default());
        let first = operands.split(',').next().unwrap_or_default().trim();
        match mnemonic {
            "ecall" => {
                self.found.extend(self.held.get("a7"));
                self.held.remove("a0");
            }
            "li" => {
                let number = operands.split(',').nth(1).and_then(|number| number.trim().parse().ok());
                match number {
                    Some(number) => self.held.insert(first.to_owned(), number),
                    None => self.held.remove(first),
                };
            }
            "jal" | "j" | "jalr" | "jr" | "call" | "tail" | "ret" => {
                let target = line.rsplit_once('<').and_then(|(_, name)| name.strip_suffix('>'));
                let base = target.map(|name| name.trim_end_matches(".abi0"));
                if let Some((_, register)) = WRAPPERS.iter().find(|(name, _)| Some(*name) == base) {
                    self.found.extend(self.held.get(*register));
                }
                self.held.clear();
            }
            _ if !mnemonic.starts_with('b') && !mnemonic.starts_with('s') || mnemonic.starts_with("sl") => {
                self.held.remove(first);
            }
            // A branch or a store writes no register, but other instructions start with these letters, too.
            _ if operands.contains('(') || mnemonic.starts_with('b') => {}
            _ => {
                self.held.remove(first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> Vec<u64> {
        let mut scan = Scan::default();
        text.lines().for_each(|line| scan.line(line));
        scan.found.into_iter().collect()
    }

    #[test]
    fn a_number_counts_if_it_is_still_there() {
        let text = "   10:\tli\ta7,64\n   14:\tsd\ta7,8(sp)\n   18:\tbeqz\ta7,20\n   1c:\tecall\n";
        assert_eq!(scanned(text), [64]);
        assert!(scanned("   10:\tli\ta7,64\n   14:\tsub\ta7,a7,a1\n   18:\tecall\n").is_empty());
        assert!(scanned("   10:\tli\ta7,64\n   14:\tret\n   18:\tecall\n").is_empty());
    }

    #[test]
    fn a_wrapper_takes_its_number_in_its_own_register() {
        let text = "   10:\tli\ta0,63\n   14:\tli\ta6,57\n   18:\tjal\tra,1000 <syscall>\n";
        assert_eq!(scanned(text), [63]);
        assert_eq!(scanned(&text.replace("<syscall>", "<__syscall_cancel>")), [57]);
        assert!(scanned(&text.replace("<syscall>", "<printf>")).is_empty());
    }
}
