//! Binaries nobody here built: Debian's static busybox and bash (glibc, stripped) behave as unikernels as they do on Linux.
//!
//! They are fetched into `target/corpus` by their package names and never committed. Where Debian cannot be reached the
//! tests say so and stop there; a fetched file is always tested.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::example::{examples_directory, linux_emulator, zeroos_run};
use crate::process;

/// The fetched binary `name`, or `None` with a notice if it is not to be had.
fn fetched(name: &str) -> Option<PathBuf> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    // Where `xtask fetch` puts it.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/corpus").join(name);
    if !path.exists() {
        let tried = TRIED.get_or_init(|| {
            let output = Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--package", "xtask", "--", "fetch"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stdin(Stdio::null())
                .output()
                .map_err(|error| format!("cargo: {error}"))?;
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        });
        if let (false, Err(reason)) = (path.exists(), tried) {
            // Written past the harness, which would swallow the `eprintln!` of a passing test.
            let _ = writeln!(io::stderr(), "NOTICE: no {name} to be had, so this test checked nothing:\n{reason}");
            return None;
        }
    }
    Some(path.canonicalize().expect("it was fetched"))
}

/// Runs an applet both ways in the input directory of `std-rust` and compares all three results.
fn same_as_linux(arguments: &[&str], files: &[&str], stdin: Option<&str>) {
    let Some(busybox) = fetched("busybox") else { return };
    let directory = examples_directory().join("std-rust/input");
    let stdin = stdin.map(|name| directory.join(name));

    let mut reference = linux_emulator(&busybox);
    reference.args(arguments).current_dir(&directory);
    let reference = process::run(&mut reference, stdin.as_deref()).expect("qemu-riscv64 runs busybox");
    assert_eq!(reference.status, Some(0), "{}", reference.stderr);
    assert!(!reference.stdout.is_empty(), "an applet that prints nothing proves nothing");

    let mut unikernel = zeroos_run(&[]);
    for file in files {
        unikernel.args(["--file", &format!("/{file}={file}")]);
    }
    unikernel.arg("--").arg(&busybox).args(arguments).current_dir(&directory);
    let finished = process::run(&mut unikernel, stdin.as_deref()).expect("zeroos runs busybox");
    assert_eq!(
        String::from_utf8_lossy(&finished.stdout),
        String::from_utf8_lossy(&reference.stdout),
        "{unikernel:?}\n{}",
        finished.stderr
    );
    assert_eq!(finished.status, reference.status, "{unikernel:?}\n{}", finished.stderr);
}

#[test]
fn busybox_echo_prints_its_arguments() {
    same_as_linux(&["echo", "one", "two  three"], &[], None);
}

#[test]
fn busybox_cat_copies_a_committed_file() {
    same_as_linux(&["cat", "text.txt"], &["text.txt"], None);
}

#[test]
fn busybox_cat_copies_standard_input() {
    same_as_linux(&["cat"], &[], Some("numbers.txt"));
}

#[test]
fn busybox_sha256sum_hashes_committed_files() {
    same_as_linux(&["sha256sum", "text.txt", "numbers.txt"], &["text.txt", "numbers.txt"], None);
}

#[test]
fn busybox_sort_sorts_a_committed_file() {
    same_as_linux(&["sort", "-r", "text.txt"], &["text.txt"], None);
}

#[test]
fn busybox_wc_counts_a_committed_file() {
    same_as_linux(&["wc", "text.txt"], &["text.txt"], None);
}

/// Runs `script` by bash both ways, in an empty folder, and compares output and status.
fn same_script(script: &str) {
    let Some(bash) = fetched("bash") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let input = folder.path().join("script");
    std::fs::write(&input, script).expect("the temporary folder can be written");
    let empty = tempfile::tempdir().expect("a temporary folder can be made");
    let mut reference = linux_emulator(&bash);
    reference.current_dir(empty.path());
    let reference = process::run(&mut reference, Some(&input)).expect("qemu-riscv64 runs bash");
    assert!(!reference.stdout.is_empty(), "a script that prints nothing proves nothing");
    let mut unikernel = zeroos_run(&[]);
    unikernel.arg("--").arg(&bash);
    let finished = process::run(&mut unikernel, Some(&input)).expect("zeroos runs bash");
    let text = |stdout| String::from_utf8_lossy(stdout).into_owned();
    assert_eq!(text(&finished.stdout), text(&reference.stdout), "{}", finished.stderr);
    assert_eq!(finished.status, reference.status, "{}", finished.stderr);
}

#[test]
fn bash_computes_with_arrays_and_functions() {
    same_script(
        r#"
f() { local n=$1 r=1 i; for ((i = 2; i <= n; i++)); do ((r *= i)); done; echo $r; }
f 10; declare -A m; for w in a b a c a; do m[$w]=$((${m[$w]:-0} + 1)); done; for k in a b c; do echo "$k=${m[$k]}"; done
s="hello world"; echo "${s^^} ${s#* } ${s/o/0} ${s:3:4} ${#s}"; list=(5 3 9 1); list+=(7); IFS=,; echo "${list[*]}"; unset IFS
echo {a,b}{1..3} $((16#ff)) $((2**20 % 7)); [[ text =~ t(.)xt ]] && echo "${BASH_REMATCH[1]}"; printf '%05d|%-5s|%x\n' 42 ab 255
case foo in f*) echo yes ;; *) echo no ;; esac; set -- a b c; shift; echo $# "$1"; printf -v q '%q' "a b"; echo "$q"; exit 7
"#,
    );
}

#[test]
fn bash_redirects_to_files_and_from_here_documents() {
    same_script(
        r#"
exec 4> out; for i in 1 2 3; do echo "line $i" >&4; done; exec 4>&-; while read -r a b; do echo "$b:$a"; done < out
cat() { while IFS= read -r l; do printf '%s\n' "$l"; done; }; cat < out; cat <<< "here string"; cat <<END
$((6 * 7)) ${BASH_VERSINFO[0]}
END
echo more >> out; mapfile -t lines < out; echo "${#lines[@]} ${lines[-1]}"; [[ -f out && -s out ]] && echo file
read -t 0.1 word < out; echo "$word"; umask; trap 'echo caught' USR1; kill -USR1 $$; trap 'echo bye' EXIT
"#,
    );
}

/// glibc and Go at addresses where QEMU's board has devices: behind a page table, on QEMU itself.
#[test]
fn they_run_in_place_on_qemu() {
    let script = "for i in 1 2 3; do echo $((i * i)); done; echo ${BASH_VERSINFO[0]}; exit 4\n";
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, arguments, text) in [
        ("busybox", &["sort", "-r"][..], "b\na\nc\n"),
        ("bash", &[], script),
        ("esbuild", &["--loader=ts", "--minify"], "let x: number = 1; console.log(x + 2)\n"),
    ] {
        let Some(program) = fetched(name) else { return };
        let input = folder.path().join("input");
        std::fs::write(&input, text).expect("the temporary folder can be written");
        let mut reference = linux_emulator(&program);
        let reference = process::run(reference.args(arguments), Some(&input)).expect("qemu-riscv64 runs it");
        assert!(!reference.stdout.is_empty(), "a program that prints nothing proves nothing");
        let mut unikernel = Command::new(env!("CARGO_BIN_EXE_zeroos"));
        unikernel.args(["run", "--engine", "qemu", "--"]).arg(&program).args(arguments);
        let finished = process::run(&mut unikernel, Some(&input)).expect("zeroos runs it");
        let text = |stdout| String::from_utf8_lossy(stdout).into_owned();
        assert_eq!(text(&finished.stdout), text(&reference.stdout), "{name}\n{}", finished.stderr);
        assert_eq!(finished.status, reference.status, "{name}\n{}", finished.stderr);
    }
}
