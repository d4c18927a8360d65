//! The initial stack, laid out at build time: argc, argv, envp, the auxiliary vector and what they point at (psABI,
//! "Process Initialization"; Linux fs/binfmt_elf.c).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::address::{Address, AddressRange, ByteCount};
use crate::analysis::InitialState;
use crate::elf::{AppElf, ElfKind};
use crate::plan::{CommittedInputs, Plan};

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
/// Bytes that AT_RANDOM points at.
const RANDOM_SIZE: u64 = 16;

/// What the auxiliary vector says of the program, as placed.
struct Process<'a> {
    entry: Address,
    program_headers: Address,
    program_header_count: u16,
    /// AT_HWCAP: one bit for each single-letter extension, bit 0 being A.
    extensions: u64,
    inputs: &'a CommittedInputs,
}

/// A stack as the program finds it.
pub(super) struct InitialStack {
    /// The stack pointer, 16-aligned.
    pub pointer: Address,
    /// What lies from there up to the stack's end.
    pub bytes: Vec<u8>,
    /// Where in it lies what differs from machine to machine, or with the seed and the text of arguments (but for the program's
    /// own name) and variables.
    pub open: Vec<AddressRange>,
}

impl InitialStack {
    /// The one of the image.
    pub fn of(app: &AppElf, plan: &Plan) -> InitialStack {
        let (bias, end) = (plan.placement.bias, plan.placement.stack.end());
        InitialStack::new(app, bias, end, plan.platform.isa.hwcap_bits(), &plan.inputs)
    }

    fn into_state(self, bias: u64, changed: BTreeMap<Address, u64>) -> InitialState {
        InitialState { bias, stack_pointer: self.pointer, stack: self.bytes, open: self.open, changed }
    }

    /// The stack of the program `app` that ends at `end`: behind what the psABI asks for there is a copy of the file's program
    /// headers, if the program does not load them itself. `bias` is what is added to the file's addresses, `extensions` AT_HWCAP.
    fn new(app: &AppElf, bias: u64, end: Address, extensions: u64, inputs: &CommittedInputs) -> InitialStack {
        let placed = |address: Address| Address(address.0.wrapping_add(bias));
        let headers = if app.program_headers.is_none() { program_header_table(app) } else { Vec::new() };
        let top = Address(end.0.saturating_sub(headers.len() as u64)).align_down(16);
        let process = Process {
            entry: placed(app.entry),
            program_headers: app.program_headers.map_or(top, placed),
            program_header_count: app.program_header_count,
            extensions,
            inputs,
        };
        let mut stack = lay_out(&process, top);
        stack.bytes.extend(headers);
        stack.bytes.resize((end - stack.pointer).0 as usize, 0);
        stack
    }
}

/// Ways in which `app` may be started, before anything of its image is decided: some, with and
/// without a path, with few and many arguments and variables, relocated before and by itself.
pub fn assumed_states(app: &AppElf) -> Vec<InitialState> {
    /// An end of the stack and a bias like those of Linux.
    const END: Address = Address(0x3f_ffff_f000);
    const BIAS: u64 = 0x20_0000_0000;
    let bias = if app.kind == ElfKind::StaticPie { BIAS } else { 0 };
    let relocated = app.applied_relocations(|address| Address(address.0.wrapping_add(bias)));
    let state = |(name, arguments, variables, changed): (&str, usize, usize, &BTreeMap<Address, u64>)| {
        let inputs = CommittedInputs {
            executable_path: name.to_owned(),
            arguments: vec![String::new(); arguments],
            environment: vec!["A=".to_owned(); variables],
            ..CommittedInputs::default()
        };
        InitialStack::new(app, bias, END, 0, &inputs).into_state(bias, changed.clone())
    };
    let own = BTreeMap::new();
    [
        ("/bin/program", 0, 0, &own),
        ("/bin/program", 0, 0, &relocated),
        ("program", 1, 2, &relocated),
        ("", 5, 40, &relocated),
    ]
    .map(state)
    .into()
}

/// How the image of `plan` starts `app`.
pub fn initial_state(app: &AppElf, plan: &Plan) -> InitialState {
    InitialStack::of(app, plan).into_state(plan.placement.bias, plan.relocated.clone())
}

/// The file's program header table.
fn program_header_table(app: &AppElf) -> Vec<u8> {
    let bytes = app.file_bytes();
    let offset = bytes.get(32..40).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes) as usize;
    let size = usize::from(app.program_header_count) * PROGRAM_HEADER_SIZE as usize;
    bytes.get(offset..offset.saturating_add(size)).unwrap_or_default().to_vec()
}

/// The stack's contents ending at `top`.
fn lay_out(process: &Process<'_>, top: Address) -> InitialStack {
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
    let extensions_at = auxiliary.iter().position(|&(tag, _)| tag == AT_HWCAP).map(|index| words.len() + 2 * index + 1);
    words.extend(auxiliary.iter().flat_map(|&(tag, value)| [tag, value]));

    let size = words.len() as u64 * 8;
    let stack_pointer = Address(strings_at.saturating_sub(size)).align_down(16);
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize((strings_at - stack_pointer.0) as usize, 0);
    bytes.extend_from_slice(&strings);
    bytes.resize((top - stack_pointer).0 as usize, 0);
    let extensions =
        extensions_at.and_then(|index| AddressRange::new(Address(stack_pointer.0 + 8 * index as u64), ByteCount(8)));
    let between = |start: u64, end: u64| AddressRange::between(Address(start), Address(end));
    let random_end = strings_at + random + RANDOM_SIZE;
    let name_end = random_end + inputs.executable_path.len() as u64 + 1;
    let open = [between(strings_at, random_end), between(name_end, top.0), extensions].into_iter().flatten().collect();
    InitialStack { pointer: stack_pointer, bytes, open }
}

/// AT_RANDOM's 16 bytes, from the committed seed but apart from the stream that `getrandom` draws on.
fn random_bytes(seed: &[u8; 32]) -> [u8; RANDOM_SIZE as usize] {
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
        let InitialStack { pointer: stack_pointer, bytes, .. } = lay_out(&process, top);
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
