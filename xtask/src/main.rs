//! Sets up, demonstrates and tests zeroos with one command each.
fn main() {}
