//! The initial stack, laid out at build time: argc, argv, envp, the auxiliary vector and what they point at (psABI,
//! "Process Initialization"; Linux fs/binfmt_elf.c).

use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::plan::CommittedInputs;

/// Auxiliary vector tags (include/uapi/linux/auxvec.h).
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_BASE: u64 = 7;
const AT_FLAGS: u64 = 8;
const AT_ENTRY: u64 = 9;
const AT_UID: u64 = 11;
const AT_EUID: u64 = 12;
const AT_GID: u64 = 13;
const AT_EGID: u64 = 14;
const AT_HWCAP: u64 = 16;
const AT_CLKTCK: u64 = 17;
const AT_SECURE: u64 = 23;
const AT_RANDOM: u64 = 25;
const AT_EXECFN: u64 = 31;

/// Bytes of a page, as told to the program.
const PAGE: u64 = 4096;
/// Size of an `Elf64_Phdr`, bytes.
const PROGRAM_HEADER_SIZE: u64 = 56;
/// USER_HZ, ticks a second.
const TICKS: u64 = 100;

/// What the auxiliary vector says of the program, as placed.
pub(super) struct Process<'a> {
    pub entry: Address,
    pub program_headers: Address,
    pub program_header_count: u16,
    /// AT_HWCAP: one bit for each single-letter extension, bit 0 being A.
    pub extensions: u64,
    pub inputs: &'a CommittedInputs,
}

/// The stack's contents ending at `top`: `(stack pointer, bytes from there to top)`. The pointer is 16-aligned.
pub(super) fn lay_out(process: &Process<'_>, top: Address) -> (Address, Vec<u8>) {
    let inputs = process.inputs;
    let arguments: Vec<&str> =
        [inputs.executable_path.as_str()].into_iter().chain(inputs.arguments.iter().map(String::as_str)).collect();

    // Strings and random bytes first, to know how far below `top` they start.
    let mut strings = Vec::new();
    let mut place = |bytes: &[u8]| {
        let offset = strings.len() as u64;
        strings.extend_from_slice(bytes);
        offset
    };
    let random = place(&random_bytes(&inputs.seed));
    let mut place_string = |text: &str| {
        let offset = place(text.as_bytes());
        place(&[0]);
        offset
    };
    let argument_offsets: Vec<u64> = arguments.iter().map(|text| place_string(text)).collect();
    let environment_offsets: Vec<u64> = inputs.environment.iter().map(|text| place_string(text)).collect();
    let path = place_string(&inputs.executable_path);
    let strings_at = Address(top.0.saturating_sub(strings.len() as u64)).align_down(16).0;

    let mut words = vec![arguments.len() as u64];
    words.extend(argument_offsets.iter().map(|offset| strings_at + offset));
    words.push(0);
    words.extend(environment_offsets.iter().map(|offset| strings_at + offset));
    words.push(0);
    let auxiliary = [
        (AT_PHDR, process.program_headers.0),
        (AT_PHENT, PROGRAM_HEADER_SIZE),
        (AT_PHNUM, u64::from(process.program_header_count)),
        (AT_PAGESZ, PAGE),
        (AT_BASE, 0),
        (AT_FLAGS, 0),
        (AT_ENTRY, process.entry.0),
        (AT_UID, 0),
        (AT_EUID, 0),
        (AT_GID, 0),
        (AT_EGID, 0),
        (AT_HWCAP, process.extensions),
        (AT_CLKTCK, TICKS),
        (AT_SECURE, 0),
        (AT_RANDOM, strings_at + random),
        (AT_EXECFN, strings_at + path),
        (AT_NULL, 0),
    ];
    words.extend(auxiliary.iter().flat_map(|&(tag, value)| [tag, value]));

    let size = words.len() as u64 * 8;
    let stack_pointer = Address(strings_at.saturating_sub(size)).align_down(16);
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize((strings_at - stack_pointer.0) as usize, 0);
    bytes.extend_from_slice(&strings);
    bytes.resize((top - stack_pointer).0 as usize, 0);
    (stack_pointer, bytes)
}

/// AT_RANDOM's 16 bytes, from the committed seed but apart from the stream that `getrandom` draws on.
fn random_bytes(seed: &[u8; 32]) -> [u8; 16] {
    let digest = Sha256::new().chain_update(b"zeroos AT_RANDOM").chain_update(seed).finalize();
    std::array::from_fn(|index| digest[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argc_argv_envp_and_the_auxiliary_vector_are_where_the_psabi_says() {
        let inputs = CommittedInputs {
            executable_path: "/bin/app".into(),
            arguments: vec!["one".into(), String::new()],
            environment: vec!["A=1".into()],
            ..CommittedInputs::default()
        };
        let process = Process {
            entry: Address(0x10100),
            program_headers: Address(0x10040),
            program_header_count: 5,
            extensions: 0,
            inputs: &inputs,
        };
        let top = Address(0x8000_0000);
        let (stack_pointer, bytes) = lay_out(&process, top);
        assert_eq!(stack_pointer.0 % 16, 0);
        assert_eq!(stack_pointer.0 + bytes.len() as u64, top.0);
        let word = |index: usize| u64::from_le_bytes(bytes[index * 8..index * 8 + 8].try_into().unwrap());
        let string = |address: u64| {
            let rest = &bytes[(address - stack_pointer.0) as usize..];
            String::from_utf8(rest.split(|&byte| byte == 0).next().unwrap().to_vec()).unwrap()
        };
        assert_eq!(word(0), 3);
        assert_eq!([string(word(1)), string(word(2)), string(word(3))], ["/bin/app", "one", ""]);
        assert_eq!((word(4), string(word(5)), word(6)), (0, "A=1".to_owned(), 0));
        let auxiliary: std::collections::BTreeMap<u64, u64> =
            (0..17).map(|entry| (word(7 + 2 * entry), word(8 + 2 * entry))).collect();
        assert_eq!((auxiliary[&AT_PHDR], auxiliary[&AT_ENTRY], auxiliary[&AT_PHNUM]), (0x10040, 0x10100, 5));
        assert_eq!(string(auxiliary[&AT_EXECFN]), "/bin/app");
        assert_eq!(auxiliary[&AT_RANDOM] % 16, 0);
    }
}
