//! Sets up, demonstrates and tests zeroos with one command each: `cargo run -p xtask -- <command>`.

mod bench;
mod bench_analysis;
mod bench_kernel;
mod bench_platforms;
mod compile;
mod corpus;
mod cross;
mod debian;
mod demo;
mod engines;
mod gate;
mod miri;
mod rebuild;
mod record_linux;
mod setup;
mod step;
mod suites;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run -p xtask -- <command>

  demo              build zeroos and take a real program through it: manifest, image, run, instruction count
  test              set up what the tests need and run all of them, then the format check and the lints
  setup             install what the tests need (Debian packages, the kernel's Rust target)
  fetch             fetch the third-party programs some tests run into target/corpus
  bench             measure the built-in machine beside qemu-riscv64
  bench-analysis [--update-readme] [PROGRAM…|growth]
                    measure the static analysis on the corpus (built and fetched into target/corpus): what it predicts
                    beside what the programs do, time and memory beside objdump, growth with size
  bench-kernel      count what calls and programs cost in the kernel, by stubs and by traps
  bench-platforms [--engines]
                    run the examples on every platform, with --engines on the real machines too, and count
  engines           build the real machines (ckb-vm, ZisK, SP1) and run the whole platform suite on them and on QEMU: the
                    contract of each platform, then what bench-platforms --engines does
  prove             have SP1 prove a run of a Rust program, verify the proof, and see that it is rejected for another
                    public output and another exit code; 5 GB of memory, minutes
  record-linux      boot Debian's riscv64 kernel in QEMU and record its answers to the random sequences of calls
  miri [NAME…]      run the kernel fragments' host tests under Miri, of a nightly toolchain
  suites [--fast | [--differing] [NAME…]]
                    run other people's tests, built and fetched into target/suites, under QEMU and as images, and write
                    docs/suites.md, where other suites keep their rows; what was run is not run again, --differing runs
                    again only what differed; --fast: a quick part with the debug build, as `test` does
  rebuild-examples [NAME…]
                    rebuild examples/*/bin from source with a toolchain of its own under target/toolchain";

/// The repository's root directory.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(bench_analysis::BETWEEN) {
        return match bench_analysis::run_measured(std::env::args_os().skip(2)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["demo"] => demo::demo(),
        ["test"] => gate::test(),
        ["setup"] => setup::setup(),
        ["fetch"] => corpus::fetch(),
        ["bench"] => bench::bench(),
        ["bench-analysis", arguments @ ..] => bench_analysis::bench_analysis(arguments),
        ["bench-platforms", arguments @ ..] => bench_platforms::bench_platforms(arguments),
        ["engines"] => engines::engines(),
        ["prove"] => engines::prove(),
        ["bench-kernel"] => bench_kernel::bench_kernel(),
        ["suites", arguments @ ..] => suites::suites(arguments),
        ["record-linux"] => record_linux::record_linux(),
        ["miri", filters @ ..] => miri::miri(filters),
        ["rebuild-examples", names @ ..] => rebuild::rebuild_examples(names),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
