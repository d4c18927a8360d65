//! Floating-point registers belong to threads, though they are saved and loaded only where they changed.

mod tool;

use tool::Workplace;

#[test]
fn every_thread_keeps_its_floating_point_registers() {
    let workplace = Workplace::new();
    let app = workplace.guest("float.S", include_str!("fixtures/float.S"), &["-Wl,--no-relax"]);
    for entry in ["direct", "trap"] {
        workplace.zeroos(&["run", "--entry", entry, "--max-instructions", "1000000", &app]).exits(0);
    }
}
