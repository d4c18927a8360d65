//! The `zeroos` command.

fn main() {}
