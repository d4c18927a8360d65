//! Executes a block of Ethereum transactions, given on standard input, with revm: the work of a validity proof. The
//! report goes to standard output; what it comes to, also to where a zkVM takes a program's public output if there is such a
//! file.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};

use revm::bytecode::Bytecode;
use revm::context::result::ExecutionResult;
use revm::context::{Context, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, Bytes, TxKind, U256, address, hex, keccak256};
use revm::state::AccountInfo;
use revm::{ExecuteCommitEvm, MainBuilder, MainContext};

const PUBLIC_OUTPUT: &str = "/dev/zkvm/output";

const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
const HASHER: Address = address!("00000000000000000000000000000000000a54e2");

/// Hashes the numbers from its argument down to 1, and stores each tenth hash.
const HASHER_CODE: [u8; 35] = [
    0x60, 0x00, 0x35, // PUSH1 0, CALLDATALOAD: n
    0x5b, // 3: JUMPDEST
    0x80, 0x60, 0x00, 0x52, // DUP1, PUSH1 0, MSTORE
    0x60, 0x20, 0x60, 0x00, 0x20, // PUSH1 32, PUSH1 0, KECCAK256: n, hash
    0x81, 0x60, 0x0a, 0x90, 0x06, // DUP2, PUSH1 10, SWAP1, MOD
    0x60, 0x18, 0x57, // PUSH1 24, JUMPI
    0x80, 0x82, 0x55, // DUP1, DUP3, SSTORE: the hash, at n
    0x5b, // 24: JUMPDEST
    0x50, 0x60, 0x01, 0x90, 0x03, // POP, PUSH1 1, SWAP1, SUB
    0x80, 0x60, 0x03, 0x57, // DUP1, PUSH1 3, JUMPI
    0x00, // STOP
];

/// What a block starts from: one account with money, and one contract.
fn genesis() -> CacheDB<EmptyDB> {
    let mut state = CacheDB::new(EmptyDB::default());
    state.insert_account_info(ALICE, AccountInfo::from_balance(U256::from(1_000_000)));
    let code = Bytecode::new_raw(Bytes::from_static(&HASHER_CODE));
    state.insert_account_info(HASHER, AccountInfo::default().with_code(code));
    state
}

/// `FROM TO VALUE GAS [DATA]`.
fn transaction(line: &str, nonce: u64) -> Result<TxEnv, Box<dyn Error>> {
    let mut fields = line.split_whitespace();
    let mut field = |name: &str| fields.next().ok_or_else(|| format!("`{line}`: no {name}"));
    let (from, to): (Address, Address) = (field("sender")?.parse()?, field("receiver")?.parse()?);
    let (value, gas): (U256, u64) = (field("value")?.parse()?, field("gas")?.parse()?);
    let data = fields.next().map(hex::decode).transpose()?.unwrap_or_default();
    let transaction =
        TxEnv::builder().caller(from).kind(TxKind::Call(to)).value(value).gas_limit(gas).gas_price(0).nonce(nonce);
    Ok(transaction.data(data.into()).build().map_err(|error| format!("`{line}`: {error:?}"))?)
}

/// A digest of all accounts with their storage, in the order of their addresses.
fn digest(state: &CacheDB<EmptyDB>) -> U256 {
    let mut text = Vec::new();
    let mut accounts: Vec<_> = state.cache.accounts.iter().collect();
    accounts.sort_by_key(|(address, _)| **address);
    for (address, account) in accounts {
        text.extend(address.as_slice());
        text.extend(account.info.nonce.to_be_bytes());
        text.extend(account.info.balance.to_be_bytes::<32>());
        text.extend(account.info.code_hash.as_slice());
        let mut slots: Vec<_> = account.storage.iter().collect();
        slots.sort();
        for (slot, value) in slots {
            text.extend(slot.to_be_bytes::<32>());
            text.extend(value.to_be_bytes::<32>());
        }
    }
    keccak256(&text).into()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut block = String::new();
    io::stdin().read_to_string(&mut block)?;
    let mut evm = Context::mainnet().with_db(genesis()).build_mainnet();
    let (mut report, mut gas, mut nonce) = (String::new(), 0, 0);
    for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match evm.transact_commit(transaction(line, nonce)?) {
            Ok(result) => {
                nonce += 1;
                gas += result.tx_gas_used();
                let what = match &result {
                    ExecutionResult::Success { .. } => "success".to_owned(),
                    ExecutionResult::Revert { .. } => "revert".to_owned(),
                    ExecutionResult::Halt { reason, .. } => format!("{reason:?}"),
                };
                let output = result.output().filter(|output| !output.is_empty());
                let output = output.map(|output| format!(", {output}")).unwrap_or_default();
                report += &format!("{what}, {} gas{output}\n", result.tx_gas_used());
            }
            Err(error) => report += &format!("refused: {error}\n"),
        }
    }
    let result = format!("{gas} gas, state {:#066x}\n", digest(&evm.ctx.journaled_state.database));
    io::stdout().write_all((report + &result).as_bytes())?;
    if let Ok(mut output) = OpenOptions::new().write(true).open(PUBLIC_OUTPUT) {
        output.write_all(result.as_bytes())?;
    }
    Ok(())
}
