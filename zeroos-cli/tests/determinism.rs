//! The same input gives the same image and the same run: on any day, in any folder, with and without a cache.
#![allow(clippy::unwrap_used)] // in a test it is an assertion

mod tool;

use std::fs;

use tool::{Workplace, example, guests};

/// Builds in a fresh folder, with a fresh cache, from a copy of the program; the image's bytes.
fn built_afresh(app: &str, options: &[&str]) -> (Workplace, Vec<u8>) {
    let workplace = Workplace::new();
    fs::copy(app, workplace.path("app")).unwrap();
    workplace.write("host.txt", "contents\n");
    let mut command = workplace.command(&[&["build", "app", "-o", "image"], options].concat());
    command.env("ZEROOS_CACHE_DIR", workplace.path("cache"));
    tool::finish(&mut command, b"").exits(0);
    assert!(fs::read_dir(workplace.path("cache")).unwrap().next().is_some(), "the kernel was compiled here");
    let image = fs::read(workplace.path("image")).unwrap();
    (workplace, image)
}

#[track_caller]
fn builds_are_identical(app: &str, options: &[&str]) {
    let (one, first) = built_afresh(app, options);
    let (other, second) = built_afresh(app, options);
    assert_ne!(one.folder(), other.folder());
    let difference = first.iter().zip(&second).position(|(first, second)| first != second);
    assert!(first == second, "the images differ at byte {difference:?} of {} and {}", first.len(), second.len());
    let places = [one.folder(), other.folder(), std::path::Path::new(env!("CARGO_MANIFEST_DIR"))];
    let home = std::env::var("HOME").unwrap_or_default();
    for place in places.iter().filter_map(|place| place.to_str()).chain([home.as_str(), "/.tmp", ".rustup", ".cargo"]) {
        // A home of `/` would be found in every guest path.
        if place.len() > 1 {
            let at = first.windows(place.len()).position(|window| window == place.as_bytes());
            assert_eq!(at, None, "the image names this computer's `{place}`");
        }
    }
}

#[test]
fn two_builds_of_an_executable_are_identical() {
    builds_are_identical(&example("hello-c/bin/gc-exec-symbols"), &["--arg", "x", "--file", "/etc/f=host.txt"]);
}

#[test]
fn two_builds_of_a_static_pie_are_identical() {
    builds_are_identical(&example("hello-c/bin/gc-pie"), &["--platform", "qemu-virt", "--env", "A=1"]);
}

/// The order in which files are given is no input.
#[test]
fn the_order_of_committed_files_does_not_matter() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &[]);
    workplace.write("a", "a");
    workplace.write("b", "b");
    workplace.zeroos(&["build", &app, "-o", "ab", "--file", "/a=a", "--file", "/b=b"]).exits(0);
    workplace.zeroos(&["build", &app, "-o", "ba", "--file", "/b=b", "--file", "/a=a"]).exits(0);
    assert!(fs::read(workplace.path("ab")).unwrap() == fs::read(workplace.path("ba")).unwrap());
}

/// An image, its program and a second run: all execute the same instructions.
#[test]
fn two_runs_have_the_same_counts() {
    let workplace = Workplace::new();
    let app = workplace.guest("inputs.c", &guests::shows_its_inputs(), &[]);
    workplace.zeroos(&["build", &app, "-o", "image"]).exits(0);
    let input = b"some input\nin two lines\n";
    let (first, first_counts) = workplace.stats(&[], &app, input);
    let (second, second_counts) = workplace.stats(&[], &app, input);
    let (image, image_counts) = workplace.stats(&[], "image", input);
    assert_eq!(first_counts, second_counts);
    assert_eq!(first_counts, image_counts);
    assert_eq!((&first.stdout, first.status), (&second.stdout, second.status));
    assert_eq!((&first.stdout, first.status), (&image.stdout, image.status));
    assert!(first_counts["instructions"]["total"].as_u64() > Some(0));
}

/// The seed is an input: it changes what the program sees and nothing else.
#[test]
fn randomness_comes_from_the_seed_alone() {
    let workplace = Workplace::new();
    let print_random = format!(
        "{}\nstatic int main(long argc, char **argv, char **envp) {{\n    static char bytes[16];\n    \
         call(278, (long)bytes, 16, 0, 0);\n    call(64, 1, (long)bytes, 16, 0);\n    return 0;\n}}\n",
        guests::RUNTIME
    );
    let app = workplace.guest("random.c", &print_random, &[]);
    let drawn = |options: &[&str]| {
        let finished = workplace.zeroos(&[&["run"], options, &[&*app]].concat()).exits(0);
        assert_eq!(finished.stdout.len(), 16);
        finished.stdout
    };
    assert_eq!(drawn(&[]), drawn(&["--seed", "0000"]));
    assert_eq!(drawn(&["--seed", "01"]), drawn(&["--seed", "01"]));
    assert_ne!(drawn(&["--seed", "01"]), drawn(&["--seed", "02"]));
}

/// Ten thousand threads in turn, a thousand at once, and a mix of everything that they wait for: whoever goes on when, it is the
/// same in every run.
#[test]
fn threads_take_the_same_turns_in_every_run() {
    let workplace = Workplace::new();
    let [first, second] = [(); 2].map(|()| {
        let (finished, stats) = workplace.stats(&[], &example("many-threads-c/bin/gc-exec"), b"");
        finished.exits(0);
        stats
    });
    assert!(first["instructions"]["total"].as_u64() > Some(1_000_000));
    assert_eq!(first, second);
}
