//! The first program of everyone who brings Rust with `std`.

fn main() {
    let name = std::env::args().nth(1).unwrap_or_else(|| "Rust".to_string());
    println!("hello from {name}");
}
