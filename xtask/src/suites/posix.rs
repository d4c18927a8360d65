//! Debian's `posixtestsuite`: what of its conformance tests one process can do, on static glibc.
//!
//! The tests of a group of interfaces become one program that reads a test's name from standard input and calls that
//! test's `main`, so that an image is made per group. All other symbols of a test are made local to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::case::{Case, Prepared, Reading, Suite};
use super::{fetch, musl};
use crate::compile::{file_name, subdirectories};
use crate::debian;
use crate::step::Step;

/// The suite.
pub const SUITE: Suite = Suite {
    name: "posix",
    title: "Debian's `posixtestsuite` on static glibc: conformance of interfaces, the part for one process",
    prepare: || prepare("posix", |_| true),
};

/// The part of it that is quick: of each kind of call something.
pub fn fast() -> Result<Prepared> {
    let mut prepared = prepare("posix-fast", |interface| FAST.contains(&interface))?;
    for interface in FAST {
        let has_some = prepared.cases.iter().any(|case| case.name.split('/').next() == Some(interface));
        ensure!(has_some, "{interface} has no test that one process can do");
    }
    for test in SLEEP {
        let at = prepared.cases.iter().position(|case| case.name == test);
        let case = prepared.cases.remove(at.with_context(|| format!("there is no test {test}"))?);
        prepared.left_out.push((case.name, "sleep for more than three seconds"));
    }
    Ok(prepared)
}

/// The interfaces whose tests are quick, but for some.
const FAST: [&str; 26] = [
    "clock_getres",
    "clock_nanosleep",
    "fsync",
    "kill",
    "mlockall",
    "mq_notify",
    "mq_receive",
    "mq_send",
    "mq_timedreceive",
    "nanosleep",
    "pthread_barrier_wait",
    "pthread_cond_wait",
    "pthread_key_create",
    "pthread_rwlock_trywrlock",
    "pthread_rwlock_wrlock",
    "raise",
    "sched_setparam",
    "sched_setscheduler",
    "sem_timedwait",
    "sem_wait",
    "sigqueue",
    "sigtimedwait",
    "sigwaitinfo",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
];

/// Tests of these that sleep for more than three seconds, which they do under the reference.
const SLEEP: [&str; 16] = [
    "clock_nanosleep/2-1",
    "nanosleep/10000-1",
    "pthread_barrier_wait/1-1",
    "pthread_barrier_wait/3-1",
    "pthread_barrier_wait/3-2",
    "pthread_rwlock_wrlock/1-1",
    "pthread_rwlock_wrlock/2-1",
    "sem_timedwait/3-1",
    "timer_getoverrun/1-1",
    "timer_getoverrun/2-1",
    "timer_settime/1-2",
    "timer_settime/2-1",
    "timer_settime/5-3",
    "timer_settime/6-1",
    "timer_settime/9-1",
    "timer_settime/9-2",
];

/// The source package.
pub const PACKAGE: &str = "posixtestsuite";

/// What a test calls that needs another process, and why it is left out.
const OTHER_PROCESSES: [&str; 8] = ["fork(", "fork (", "system(", "execl(", "execvp(", "execv(", "popen(", "waitpid("];

/// No test computes much; those that spin until another thread did something never end.
const MOST_INSTRUCTIONS: u64 = 300_000_000;

/// The program that calls the test named on its standard input.
const CALLER: &str = r#"
int main(int argc, char **argv) {
    char name[128];
    long length = read(0, name, sizeof name - 1);
    if (length <= 0) return 99;
    name[length] = 0;
    for (unsigned long i = 0; i < sizeof tests / sizeof *tests; i++)
        if (!strcmp(tests[i].name, name)) return tests[i].main(argc, argv);
    return 98;
}
"#;

/// Builds, below `build`, the tests of the `wanted` interfaces.
fn prepare(build: &str, wanted: impl Fn(&str) -> bool) -> Result<Prepared> {
    if !Path::new("/usr/riscv64-linux-gnu/lib/libc.a").exists() {
        debian::install(&["libc6-dev-riscv64-cross"])?;
    }
    let source = fetch::debian_source(PACKAGE)?;
    let build = fetch::folder().join("build").join(build);
    let mut prepared = Prepared::default();
    let mut groups: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
    for interface in subdirectories(&source.join("conformance/interfaces"))? {
        let interface_name = file_name(&interface)?;
        if !wanted(&interface_name) {
            continue;
        }
        let group = interface_name.split('_').next().unwrap_or_default().to_owned();
        for file in musl::c_files(&interface, &[])? {
            let name = format!("{interface_name}/{}", file_name(&file)?.trim_end_matches(".c"));
            if let Some(reason) = left_out(&interface, &file)? {
                prepared.left_out.push((name, reason));
                continue;
            }
            groups.entry(group.clone()).or_default().push((name, file));
        }
    }
    for (group, tests) in groups {
        let folder = build.join(&group);
        fs::create_dir_all(&folder)?;
        let (program, built) = (folder.join("tests"), folder.join("built.json"));
        if !program.exists() {
            println!("building {} tests of {group}", tests.len());
            let mut names = Vec::new();
            for (index, (name, file)) in tests.iter().enumerate() {
                if compile(&source, file, &folder, index).is_ok() {
                    names.push((index, name.clone()));
                }
            }
            link(&folder, &names, &program).with_context(|| group.clone())?;
            fs::write(&built, serde_json::to_string(&names)?)?;
        }
        let names: Vec<(usize, String)> = serde_json::from_str(&fs::read_to_string(&built)?)?;
        for (name, _) in &tests {
            if !names.iter().any(|(_, built)| built == name) {
                prepared.left_out.push((name.clone(), "do not compile with this C library"));
            }
        }
        for (_, name) in names.into_iter().filter(|(_, built)| tests.iter().any(|(name, _)| name == built)) {
            let mut case = Case::new(name.clone(), &program, Reading::PosixStatus);
            case.input = name;
            case.most_instructions = MOST_INSTRUCTIONS;
            prepared.cases.push(case);
        }
    }
    Ok(prepared)
}

/// Why a test is not run.
fn left_out(interface: &Path, file: &Path) -> Result<Option<&'static str>> {
    let bytes = fs::read(file)?;
    let text = String::from_utf8_lossy(&bytes);
    let interface = file_name(interface)?;
    Ok(if OTHER_PROCESSES.iter().any(|call| text.contains(call)) || interface == "fork" {
        Some("start another process")
    } else if text.contains("clock_settime(") {
        Some("set the clock, which is the machine's own under the reference")
    } else if !text.contains("main") {
        Some("are no programs")
    } else {
        None
    })
}

/// Compiles one test to an object whose only global symbol is `test_<index>`, its `main`.
fn compile(source: &Path, file: &Path, folder: &Path, index: usize) -> Result<()> {
    let object = folder.join(format!("{index}.o"));
    Step::new("riscv64-linux-gnu-gcc")
        .args(["-c", "-O1", "-w", "-std=gnu99", "-D_GNU_SOURCE", "-D_XOPEN_SOURCE=600", "-Dmain=test_main", "-I"])
        .arg(source.join("include"))
        .arg("-I")
        .arg(file.parent().unwrap_or(source))
        .arg(file)
        .arg("-o")
        .arg(&object)
        .output()?;
    Step::new("riscv64-linux-gnu-objcopy")
        .args([format!("--redefine-sym=test_main=test_{index}"), format!("--keep-global-symbol=test_{index}")])
        .arg(&object)
        .output()?;
    let symbols = Step::new("riscv64-linux-gnu-nm").arg(&object).output()?;
    if !symbols.contains(&format!("T test_{index}\n")) {
        bail!("its `main` is left out by a condition");
    }
    Ok(())
}

/// Links the objects of `names` with a program that calls one of them by name.
fn link(folder: &Path, names: &[(usize, String)], program: &Path) -> Result<()> {
    let mut text = "#include <string.h>\n#include <unistd.h>\n".to_owned();
    for (index, _) in names {
        text += &format!("int test_{index}(int, char **);\n");
    }
    text += "static const struct { const char *name; int (*main)(int, char **); } tests[] = {\n";
    for (index, name) in names {
        text += &format!("    {{\"{name}\", test_{index}}},\n");
    }
    text += "};\n";
    text += CALLER;
    let caller = folder.join("caller.c");
    fs::write(&caller, text)?;
    Step::new("riscv64-linux-gnu-gcc")
        .args(["-O1", "-static", "-s"])
        .arg(&caller)
        .args(names.iter().map(|(index, _)| folder.join(format!("{index}.o"))))
        .args(["-lpthread", "-lrt", "-lm", "-o"])
        .arg(program)
        .output()?;
    Ok(())
}
