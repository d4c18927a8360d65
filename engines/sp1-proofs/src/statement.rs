//! What a proof says, taken together. SP1's shard verifier checks each shard by itself: that it follows the program, from the
//! state that its public values name to the next. That the shards make one run, of this program, from its entry to its HALT, is
//! checked here; the rules are those of SP1's own core verifier, which lies in a crate that brings all of recursion along.

use crate::{Proof, VerifyingKey};
use slop_algebra::{AbstractField, PrimeField32};
use sp1_core_executor::HALT_PC;
use sp1_core_machine::riscv::MAX_LOG_NUMBER_OF_SHARDS;
use sp1_hypercube::PROOF_MAX_NUM_PVS;
use sp1_hypercube::air::{POSEIDON_NUM_WORDS, PROOF_NONCE_NUM_WORDS, PV_DIGEST_NUM_WORDS, PublicValues};
use sp1_primitives::SP1Field as F;
use std::borrow::Borrow;

/// A shard's public values: words as 4 bytes, addresses as 3 limbs of 16 bits, timestamps as 4 limbs.
pub type Values = PublicValues<[F; 4], [F; 3], [F; 4], F>;

/// What a proof claims of a run. It is true if all of its shards are valid, and [`one_run`].
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    /// How the program halted.
    pub exit_code: u32,
    /// What it committed to as its public output.
    pub digest: [u8; 32],
}

/// The state between two shards, as far as it is public.
#[derive(PartialEq)]
struct Boundary {
    timestamp: [F; 4],
    pc: [F; 3],
    exit_code: F,
    /// Up to where memory was initialised, finalised, and the same for pages' permissions.
    memory: [[F; 3]; 4],
    /// The digest of the public output, and whether COMMIT was called.
    committed: ([[F; 4]; PV_DIGEST_NUM_WORDS], F),
    /// The digest of deferred proofs, and whether COMMIT_DEFERRED was called.
    deferred: ([F; POSEIDON_NUM_WORDS], F),
}

impl Boundary {
    /// Before the first shard of a run that begins at this pc.
    fn start(pc: [F; 3]) -> Self {
        let [zero, one] = [F::zero(), F::one()];
        Self {
            timestamp: [zero, zero, zero, one],
            pc,
            exit_code: zero,
            memory: [[zero; 3]; 4],
            committed: ([[zero; 4]; PV_DIGEST_NUM_WORDS], zero),
            deferred: ([zero; POSEIDON_NUM_WORDS], zero),
        }
    }

    fn before(shard: &Values) -> Self {
        Self {
            timestamp: shard.initial_timestamp,
            pc: shard.pc_start,
            exit_code: shard.prev_exit_code,
            memory: [
                shard.previous_init_addr,
                shard.previous_finalize_addr,
                shard.previous_init_page_idx,
                shard.previous_finalize_page_idx,
            ],
            committed: (shard.prev_committed_value_digest, shard.prev_commit_syscall),
            deferred: (shard.prev_deferred_proofs_digest, shard.prev_commit_deferred_syscall),
        }
    }

    fn after(shard: &Values) -> Self {
        Self {
            timestamp: shard.last_timestamp,
            pc: shard.next_pc,
            exit_code: shard.exit_code,
            memory: [
                shard.last_init_addr,
                shard.last_finalize_addr,
                shard.last_init_page_idx,
                shard.last_finalize_page_idx,
            ],
            committed: (shard.committed_value_digest, shard.commit_syscall),
            deferred: (shard.deferred_proofs_digest, shard.commit_deferred_syscall),
        }
    }
}

/// The public values of all shards, in the order of the run.
///
/// # Errors
/// If a shard has not as many as it must have, or there are no or too many shards.
pub fn values(proof: &Proof) -> Result<Vec<Values>, String> {
    let shards = &proof.shard_proofs;
    if shards.is_empty() || shards.len() >= 1 << MAX_LOG_NUMBER_OF_SHARDS {
        return Err(format!("it has {} shards", shards.len()));
    }
    if shards.iter().any(|shard| shard.public_values.len() != PROOF_MAX_NUM_PVS) {
        return Err("a shard has a wrong number of public values".to_string());
    }
    Ok(shards.iter().map(|shard| *Borrow::<Values>::borrow(shard.public_values.as_slice())).collect())
}

/// What a proof claims, by its last shard.
///
/// # Errors
/// If the claim cannot be one.
pub fn claim(shards: &[Values]) -> Result<Claim, String> {
    let Some(last) = shards.last() else { return Err("it has no shards".to_string()) };
    let mut digest = [0; 32];
    for (byte, value) in digest.iter_mut().zip(last.committed_value_digest.as_flattened()) {
        *byte = u8::try_from(value.as_canonical_u32()).map_err(|_| "a byte of the digest is none")?;
    }
    Ok(Claim { exit_code: last.exit_code.as_canonical_u32(), digest })
}

/// Do the shards make one whole run of the program with this key?
///
/// # Errors
/// The rule that they break.
pub fn one_run(shards: &[Values], key: &VerifyingKey) -> Result<(), String> {
    let [zero, one] = [F::zero(), F::one()];
    let Some(first) = shards.first() else { return Err("it has no shards".to_string()) };

    let mut boundary = Boundary::start(key.pc_start);
    for (number, shard) in shards.iter().enumerate() {
        if Boundary::before(shard) != boundary {
            return Err(match number {
                0 => "its first shard does not begin at the start of the program".to_string(),
                _ => format!("shard {number} does not go on where shard {} ended", number - 1),
            });
        }
        boundary = Boundary::after(shard);
        let executes = shard.is_execution_shard;
        let stands = shard.initial_timestamp == shard.last_timestamp
            && shard.pc_start == shard.next_pc
            && shard.prev_exit_code == shard.exit_code;
        if executes != one && (executes != zero || !stands) {
            return Err(format!("shard {number} moves on without being one that executes"));
        }
        if executes == one && shard.initial_timestamp == shard.last_timestamp {
            return Err(format!("shard {number} executes without taking time"));
        }
        if shard.prev_exit_code != zero && shard.prev_exit_code != shard.exit_code {
            return Err(format!("shard {number} changes an exit code that is set"));
        }
        if shard.is_untrusted_programs_enabled != key.untrusted_config.enable_untrusted_programs {
            return Err(format!("shard {number} is of another kind of program"));
        }
        if nonce(shard) != nonce(first) {
            return Err(format!("shard {number} is of another proof"));
        }
    }
    let firsts = shards.iter().filter(|shard| shard.is_first_execution_shard != zero).collect::<Vec<_>>();
    if !matches!(firsts[..], [shard] if shard.is_first_execution_shard == one) {
        return Err("not exactly one shard is marked as the first".to_string());
    }
    if boundary.pc != [F::from_canonical_u64(HALT_PC), zero, zero] {
        return Err("the program did not halt".to_string());
    }
    if boundary.memory[0] == [zero; 3] || boundary.memory[1] == [zero; 3] {
        return Err("memory was not initialised and finalised".to_string());
    }
    if boundary.committed.1 != one || boundary.deferred.1 != one {
        return Err("the program halted without COMMIT and COMMIT_DEFERRED".to_string());
    }
    if boundary.deferred.0 != [zero; POSEIDON_NUM_WORDS] {
        return Err("it depends on other proofs".to_string());
    }
    // What the shards send each other, memory above all, has to come out even with what the program's image brought in.
    let mut sum = key.initial_global_cumulative_sum;
    for shard in shards {
        sum =
            sum.checked_add(shard.global_cumulative_sum).ok_or("what the shards send each other cannot be added up")?;
    }
    if !sum.is_zero() {
        return Err("what the shards send each other does not come out even".to_string());
    }
    Ok(())
}

fn nonce(shard: &Values) -> [F; PROOF_NONCE_NUM_WORDS] {
    shard.proof_nonce
}
