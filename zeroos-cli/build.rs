//! Tells cargo that the embedded folders matter: files added there must reach the binary.

fn main() {
    for folder in ["../templates", "../kernel-fragments/src", "../platforms"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
