//! How deep the kernel's stack gets. A thread that `clone` makes has a small one, so the deepest use anywhere must leave
//! most of it free: seen on the first thread's large stack, which is zero where nothing was ever stored.
#![allow(clippy::unwrap_used)] // what fails here fails the test

mod tool;

use object::{Object, ObjectSymbol};
use tool::{Workplace, example};
use zeroos::address::Address;
use zeroos::engine::{RunOptions, builtin_machine};
use zeroos::image::read_note;
use zeroos::machine::CapturedConsole;

/// Bytes of kernel stack below the first thread.
const LARGE: u64 = 64 << 10;

#[test]
fn the_kernel_stack_of_a_thread_is_twice_as_large_as_any_call_needs() {
    let workplace = Workplace::new();
    let input = example("std-rust/input/text.txt");
    let mut deepest = 0;
    for program in ["hello-c", "hello-glibc", "signals-c", "threads-c", "exceptions-cpp", "hello-rust", "std-rust"] {
        for entry in ["direct", "trap"] {
            let app = example(&format!("{program}/bin/gc-exec"));
            let files: Vec<String> = ["/text.txt", "/a/b/c/d/numbers.txt"].map(|at| format!("{at}={input}")).into();
            let files: Vec<&str> = files.iter().flat_map(|file| ["--file", file]).collect();
            let build = [&["build", &app, "-o", "image", "--entry", entry, "--arg", "/text.txt"], &files[..]].concat();
            workplace.zeroos(&build).exits(0);
            let image = std::fs::read(workplace.path("image")).unwrap();
            let note = read_note(&image).unwrap().unwrap();
            let mut machine = builtin_machine(&image, &note, RunOptions::default()).unwrap();
            machine.run(&mut CapturedConsole::default(), &mut ());
            let file = object::File::parse(&*image).unwrap();
            let top = file.symbols().find(|symbol| symbol.name() == Ok("zeroos_stack_top")).unwrap().address();
            let mut stack = vec![0; LARGE as usize];
            assert!(machine.read_memory(Address(top - LARGE), &mut stack));
            let depth = stack.len() - stack.iter().position(|&byte| byte != 0).unwrap();
            println!("{program} by {entry}: {depth} bytes");
            deepest = deepest.max(depth);
        }
    }
    assert!(deepest > 200, "something was stored");
    assert!(deepest < kernel_fragments::thread::KERNEL_STACK / 2, "a call needs {deepest} bytes");
}
