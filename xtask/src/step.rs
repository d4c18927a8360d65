//! One step of a command: a process that is shown as it would be typed, run in the repository's root, and must succeed.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A process to run, with no standard input unless one is given.
pub struct Step {
    command: Command,
    /// The input file, for display.
    stdin: Option<PathBuf>,
    echo: bool,
}

impl Step {
    /// A step that runs `program`, looked up in `PATH` if it has no slash.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(crate::root()).stdin(Stdio::null());
        Step { command, stdin: None, echo: true }
    }

    /// Appends one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Appends arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in `directory` instead of the repository's root.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Takes standard input from a file, relative to the repository's root.
    pub fn stdin(mut self, path: &str) -> Result<Self> {
        let file = File::open(crate::root().join(path)).with_context(|| path.to_owned())?;
        self.command.stdin(file);
        self.stdin = Some(PathBuf::from(path));
        Ok(self)
    }

    /// Leaves out the line that shows the command.
    pub fn quiet(mut self) -> Self {
        self.echo = false;
        self
    }

    /// Runs the step to its end. An error says which command failed and how.
    pub fn run(mut self) -> Result<()> {
        let line = self.line();
        if self.echo {
            println!("$ {line}");
        }
        let status = self.command.status().with_context(|| format!("cannot start `{line}`"))?;
        if !status.success() {
            bail!("`{line}` failed ({status})");
        }
        Ok(())
    }

    /// Runs the step to its end and returns its exit status, whatever it is; None if a signal ended it.
    pub fn status(mut self) -> Result<Option<i32>> {
        let line = self.line();
        println!("$ {line}");
        Ok(self.command.status().with_context(|| format!("cannot start `{line}`"))?.code())
    }

    /// Runs the step silently and returns what it wrote to standard output.
    pub fn output(mut self) -> Result<String> {
        let line = self.line();
        let output = self.command.output().with_context(|| format!("cannot start `{line}`"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("`{line}` failed ({})\n{}", output.status, stderr.trim_end());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{line}` wrote something else than text"))
    }

    /// The command as a person would type it in the repository's root.
    fn line(&self) -> String {
        let root = crate::root();
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let mut line = words.map(|word| quoted(word, &root)).collect::<Vec<_>>().join(" ");
        if let Some(stdin) = &self.stdin {
            line += &format!(" < {}", stdin.display());
        }
        line
    }
}

/// The cargo in `PATH`, which rustup points at the repository's toolchain.
pub fn cargo() -> Step {
    Step::new("cargo")
}

/// A word for display: paths below the root are shown relative to it, and what a shell would split is quoted.
fn quoted(word: &OsStr, root: &Path) -> String {
    let text = match Path::new(word).strip_prefix(root) {
        Ok(relative) => relative.display().to_string(),
        Err(_) => word.to_string_lossy().into_owned(),
    };
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{text}'") }
}

/// Where `program` is found in `PATH`, if it is.
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_typed_in_the_root() {
        let step = Step::new(crate::root().join("target/release/zeroos")).args(["run", "a b", "--file", "/x=y"]);
        assert_eq!(step.line(), "target/release/zeroos run 'a b' --file /x=y");
    }

    #[test]
    fn a_failing_step_names_its_command() {
        let error = Step::new("false").quiet().run().expect_err("false fails");
        assert!(error.to_string().starts_with("`false` failed"), "{error}");
    }
}
