//! What a proof of a block of transactions does most: who signed each message is recovered from its signature
//! (ECDSA over secp256k1), on four threads. The results go to standard output, and their SHA-256 to where a zkVM takes a
//! program's public output if there is such a file; Linux has none.

use std::fs::OpenOptions;
use std::io::{self, Write};

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};
use k256::sha2::{Digest, Sha256};
use rayon::prelude::*;

const SIGNERS: usize = 3;
const MESSAGES: usize = 8;
const PUBLIC_OUTPUT: &str = "/dev/zkvm/output";

/// A key that is the same in every run.
fn key(signer: usize) -> SigningKey {
    let secret = Sha256::digest(format!("signer {signer}"));
    SigningKey::from_bytes(&secret).expect("a hash is a valid secret but for one in 2^128")
}

fn name(key: &VerifyingKey) -> String {
    let hash = Sha256::digest(key.to_encoded_point(true));
    hash[..10].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() -> io::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("four threads can be started");
    let messages: Vec<[u8; 32]> = (0..MESSAGES).map(|n| Sha256::digest(format!("message {n}")).into()).collect();

    // Signing is deterministic (RFC 6979): no random numbers are asked for.
    let signed: Vec<([u8; 32], Signature, RecoveryId)> = messages
        .iter()
        .enumerate()
        .map(|(n, message)| {
            let (signature, id) = key(n % SIGNERS).sign_prehash_recoverable(message).expect("the message is a hash");
            (*message, signature, id)
        })
        .collect();

    let recovered: Vec<Option<VerifyingKey>> = pool.install(|| {
        let recover = |(message, signature, id): &([u8; 32], Signature, RecoveryId)| {
            VerifyingKey::recover_from_prehash(message, signature, *id).ok()
        };
        signed.par_iter().map(recover).collect()
    });
    let mut report = String::new();
    for (n, key) in recovered.iter().enumerate() {
        report += &match key {
            Some(key) => format!("message {n} was signed by {}\n", name(key)),
            None => format!("message {n}: no signer\n"),
        };
    }

    // The same signature under another message is another, unknown signer's.
    let other = VerifyingKey::recover_from_prehash(&messages[1], &signed[0].1, signed[0].2);
    let whose = if other.ok() == recovered[0] { "the same signer" } else { "not that signer" };
    report += &format!("a wrong message: {whose}\n");

    io::stdout().write_all(report.as_bytes())?;
    if let Ok(mut output) = OpenOptions::new().write(true).open(PUBLIC_OUTPUT) {
        let digest: String = Sha256::digest(&report).iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(output, "{digest}")?;
    }
    Ok(())
}
