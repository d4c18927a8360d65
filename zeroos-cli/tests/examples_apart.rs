//! What `templates/apart.ld` promises of the `ima-pie` binaries: constants and code near each other, data far away, and a
//! code segment that holds instructions of rv64ima and nothing else.

use std::fs;
use std::path::Path;

use zeroos::elf::{AppElf, Segment};
use zeroos::isa::{Op, decode};

/// How far code and constants may be apart, bytes: what a stub or an `auipc` nearby reaches without thought.
const NEAR: u64 = 2 << 20;
/// How far data is at least, bytes.
const FAR: u64 = 256 << 20;

#[test]
fn code_and_data_are_apart_and_the_code_segment_holds_code_only() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for entry in fs::read_dir(examples).expect("examples/ can be listed") {
        let path = entry.expect("examples/ can be listed").path().join("bin/ima-pie");
        let Ok(bytes) = fs::read(&path) else { continue };
        let app = AppElf::parse(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let [constants, code, data] = app.segments.as_slice() else { panic!("{}: three segments", path.display()) };
        let access = |segment: &Segment| {
            let permissions = segment.permissions;
            (permissions.read, permissions.write, permissions.execute)
        };
        assert_eq!(
            [constants, code, data].map(access),
            [(true, false, false), (true, false, true), (true, true, false)]
        );
        assert!((code.range.end() - constants.range.start()).0 < NEAR, "{}", path.display());
        assert!((data.range.start() - code.range.end()).0 >= FAR, "{}", path.display());
        for (index, word) in app.segment_bytes(code).chunks(4).enumerate() {
            let at = code.range.start().offset(4 * index as i64);
            let instruction = decode(word).unwrap_or_else(|| panic!("{}: {at} is no instruction", path.display()));
            let is_float = (Op::Flw..=Op::FmvDX).contains(&instruction.op);
            assert!(instruction.length == 4 && !is_float, "{}: {at} is {instruction}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 0, "no ima-pie binary was found");
}
