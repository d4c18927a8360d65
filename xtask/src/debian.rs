//! Debian's packages: installing what is missing, and fetching files of other suites and architectures without
//! touching the machine's own package state.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step::{Step, find_program};

/// A program this repository's commands call, and the Debian package that brings it.
pub struct Tool {
    /// The executable's name in `PATH`.
    pub program: &'static str,
    /// The package's name in Debian 12 and later.
    pub package: &'static str,
}

/// Installs the packages of those tools that are not in `PATH`; does nothing, and asks for nothing, if all are there.
pub fn install_missing(tools: &[Tool]) -> Result<()> {
    let mut packages: Vec<&str> =
        tools.iter().filter(|tool| find_program(tool.program).is_none()).map(|tool| tool.package).collect();
    packages.dedup();
    if packages.is_empty() { Ok(()) } else { install(&packages) }
}

/// Installs those of the packages that dpkg does not know as installed: for libraries, which are not in `PATH`.
pub fn install_missing_packages(packages: &[&str]) -> Result<()> {
    let is_installed = |package: &str| {
        let status = Step::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
        status.is_ok_and(|status| status == "install ok installed")
    };
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs packages.
pub fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if find_program("apt-get").is_none() {
        bail!("something is missing, and there is no apt-get; Debian users would run: apt-get install {list}");
    }
    // A foreign repository that cannot be updated must not stop the installation from Debian's own.
    if let Err(error) = apt_get()?.arg("update").run() {
        eprintln!("note: {error:#}");
    }
    apt_get()?
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages)
        .run()
        .with_context(|| format!("cannot install: {list}"))
}

/// `apt-get` as root, by `sudo` where needed, never asking questions.
fn apt_get() -> Result<Step> {
    let is_root = Step::new("id").arg("-u").output()?.trim() == "0";
    if !is_root && find_program("sudo").is_none() {
        bail!("installing packages needs root, and there is no sudo: run `cargo run -p xtask -- setup` as root once");
    }
    let step = if is_root { Step::new("env") } else { Step::new("sudo").arg("env") };
    Ok(step.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]))
}

/// A package archive with package lists of its own, kept in one directory.
pub struct PrivateArchive {
    directory: PathBuf,
}

impl PrivateArchive {
    /// Reads the package lists of `suite` for `architecture` into `directory`, from the mirror this machine uses.
    pub fn open(directory: &Path, suite: &str, architecture: &str) -> Result<Self> {
        if find_program("apt-get").is_none() {
            bail!("there is no apt-get on this machine");
        }
        for part in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(directory.join(part))?;
        }
        let mirror = machine_mirror()?;
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let line = |kind: &str| format!("{kind} [signed-by={keyring}] {mirror} {suite} main\n");
        fs::write(directory.join("sources.list"), line("deb") + &line("deb-src"))?;
        fs::write(directory.join("status"), "")?;
        fs::write(directory.join("apt.conf"), private_settings(directory, architecture))?;
        let archive = PrivateArchive { directory: directory.to_path_buf() };
        archive.apt_get().arg("update").output()?;
        Ok(archive)
    }

    /// Downloads the binary package, unpacks it into `into` and returns its version.
    pub fn unpack(&self, package: &str, into: &Path) -> Result<String> {
        self.apt_get().args(["download", package]).output()?;
        let file = self.file_starting(&format!("{package}_"), ".deb")?;
        Step::new("dpkg-deb").arg("-x").arg(&file).arg(into).output()?;
        let version = Step::new("dpkg-deb").arg("-f").arg(&file).arg("Version").output()?;
        Ok(version.trim().to_owned())
    }

    /// Downloads the binary package and returns the name of the first one that it depends on.
    pub fn first_dependency(&self, package: &str) -> Result<String> {
        self.apt_get().args(["download", package]).output()?;
        let file = self.file_starting(&format!("{package}_"), ".deb")?;
        let depends = Step::new("dpkg-deb").arg("-f").arg(&file).arg("Depends").output()?;
        let first = depends.split([' ', ',', '\n']).next().filter(|name| !name.is_empty());
        Ok(first.with_context(|| format!("package {package} depends on nothing"))?.to_owned())
    }

    /// Downloads the source package and unpacks its upstream tarball into `into`.
    pub fn unpack_source(&self, package: &str, into: &Path) -> Result<()> {
        let downloaded = self.apt_get().args(["source", "--download-only", package]).output();
        // A mirror may have the upstream tarball, whose hash apt-get checks, and not Debian's latest changes to it.
        let start = format!("{package}_");
        let files = [".orig.tar.gz", ".orig.tar.xz"].map(|end| self.file_starting(&start, end));
        let Some(file) = files.into_iter().find_map(Result::ok) else {
            downloaded?;
            bail!("the source package {package} has no upstream tarball");
        };
        fs::create_dir_all(into)?;
        Step::new("tar").args(["--strip-components=1", "-xf"]).arg(file).arg("-C").arg(into).output()?;
        Ok(())
    }

    fn file_starting(&self, start: &str, end: &str) -> Result<PathBuf> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(start) && name.ends_with(end) {
                return Ok(entry.path());
            }
        }
        bail!("apt-get brought no {start}*{end}");
    }

    /// `apt-get` on this archive alone.
    fn apt_get(&self) -> Step {
        Step::new("apt-get").directory(&self.directory).args(["-q", "-c", "apt.conf"])
    }
}

/// Settings that keep `apt-get` inside `directory` (`apt.conf(5)`); given with `-c`, they override the machine's own.
fn private_settings(directory: &Path, architecture: &str) -> String {
    let directory = directory.display();
    let settings = [
        ("Dir::Etc::SourceList", format!("{directory}/sources.list")),
        ("Dir::Etc::SourceParts", "/dev/null".to_owned()),
        ("Dir::State::Lists", format!("{directory}/lists")),
        ("Dir::State::status", format!("{directory}/status")),
        ("Dir::Cache", directory.to_string()),
        ("Dir::Cache::archives", format!("{directory}/archives")),
        ("APT::Architecture", architecture.to_owned()),
        ("APT::Sandbox::User", "root".to_owned()),
        ("Acquire::Retries", "1".to_owned()),
        ("Acquire::http::Timeout", "30".to_owned()),
        ("Acquire::Languages", "none".to_owned()),
        // Without this, `update` counts a mirror that cannot be reached as a success.
        ("APT::Update::Error-Mode", "any".to_owned()),
    ];
    settings.iter().map(|(name, value)| format!("{name} \"{value}\";\n")).collect()
}

/// The Debian mirror in this machine's own package sources.
fn machine_mirror() -> Result<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    files.iter().filter_map(|path| fs::read_to_string(path).ok()).find_map(|text| mirror_in(&text)).context(
        "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d; expected an address ending in /debian",
    )
}

/// The first address of a full Debian archive in a `sources.list` file of either format (`sources.list(5)`).
///
/// Such an address ends in `/debian`, unlike those of `debian-security` and of other vendors' repositories.
fn mirror_in(sources: &str) -> Option<String> {
    sources
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("deb ") || line.starts_with("deb-src ") || line.starts_with("URIs:"))
        .flat_map(str::split_whitespace)
        .filter(|word| word.contains("://"))
        .map(|word| word.trim_end_matches('/'))
        .find(|word| word.ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::mirror_in;

    #[test]
    fn the_mirror_is_read_from_a_deb822_file() {
        let text = "Types: deb\n# http://old.example/debian\nURIs: http://mirror.example/debian-security\n\n\
                    Types: deb\nURIs: https://mirror.example/debian/\nSuites: bookworm\n";
        assert_eq!(mirror_in(text).as_deref(), Some("https://mirror.example/debian"));
    }

    #[test]
    fn the_mirror_is_read_from_a_one_line_file() {
        let text =
            "# deb http://old.example/debian x main\ndeb [arch=amd64] http://mirror.example/debian bookworm main\n";
        assert_eq!(mirror_in(text).as_deref(), Some("http://mirror.example/debian"));
    }

    #[test]
    fn other_vendors_are_no_debian_mirror() {
        assert_eq!(mirror_in("deb https://packages.example/apt cloud main\n"), None);
    }
}
