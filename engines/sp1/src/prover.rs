//! SP1's core prover and verifier as this engine sets them up, and the proof file.

use bincode::Options;
use sp1_core_executor::Program;
use sp1_core_machine::riscv::RiscvAir;
use sp1_hypercube::prover::{CpuShardProver, ProvingKey, SP1InnerPcsProver, SimpleProver};
use sp1_hypercube::{InnerSC, MachineProof, MachineVerifyingKey, SP1InnerPcs, SP1PcsProofInner, ShardVerifier};
use sp1_primitives::fri_params::core_fri_config;
use sp1_primitives::{SP1Field, SP1GlobalContext};
use std::sync::Arc;
use zeroos_engine_driver::Refusal;

/// Two to this is the height at which columns are stacked for commitment: SP1's own choice for core proofs.
const LOG_STACKING_HEIGHT: u32 = 21;
/// Two to this is the most rows that a table of a shard may have: SP1's own choice for core proofs.
const MAX_LOG_ROW_COUNT: usize = 22;

/// What a proof file begins with: a proof is of use only to the version that made it.
const MAGIC: &[u8] = b"zeroos SP1 6.10.0 core proof\n";

/// Prover and verifier of SP1's RISC-V machine.
pub type Prover = SimpleProver<SP1GlobalContext, Context, ShardProver>;
/// A proof of a whole run, one part for each shard.
pub type Proof = MachineProof<SP1GlobalContext, SP1PcsProofInner>;
/// What a verifier has to know of a program.
pub type VerifyingKey = MachineVerifyingKey<SP1GlobalContext>;
type Context = InnerSC<RiscvAir<SP1Field>>;
type ShardProver = CpuShardProver<SP1GlobalContext, SP1InnerPcs, SP1InnerPcsProver, RiscvAir<SP1Field>>;
type Key = Arc<ProvingKey<SP1GlobalContext, Context, ShardProver>>;

/// The prover, with the parameters (and so the security) of SP1's own core proofs.
pub fn prover() -> Prover {
    let verifier = ShardVerifier::from_basefold_parameters(
        core_fri_config(),
        LOG_STACKING_HEIGHT,
        MAX_LOG_ROW_COUNT,
        RiscvAir::machine(),
    );
    SimpleProver::new(verifier.clone(), ShardProver::new(verifier))
}

/// Commits to a program.
pub async fn keys(prover: &Prover, program: Arc<Program>) -> (Key, VerifyingKey) {
    let (proving_key, verifying_key) = prover.setup(program).await;
    // SAFETY: the permit that this gives up keeps several provers from the same device at once. There is one, on the CPU.
    (unsafe { proving_key.into_inner() }, verifying_key)
}

/// Runs SP1's asynchronous code.
///
/// # Errors
/// If no threads can be had.
pub fn wait<T>(future: impl Future<Output = T>) -> Result<T, Refusal> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .map_err(|error| Refusal::new(format!("cannot start threads for SP1: {error}")))?;
    Ok(runtime.block_on(future))
}

/// A proof as bytes.
///
/// # Errors
/// If it cannot be serialised.
pub fn to_bytes(proof: &Proof) -> Result<Vec<u8>, Refusal> {
    let mut bytes = MAGIC.to_vec();
    encoding(u64::MAX)
        .serialize_into(&mut bytes, proof)
        .map_err(|error| Refusal::new(format!("the proof cannot be serialised: {error}")))?;
    Ok(bytes)
}

/// A proof from bytes; `None` if they are none.
pub fn from_bytes(bytes: &[u8]) -> Option<Proof> {
    let bytes = bytes.strip_prefix(MAGIC)?;
    // The limit keeps lengths that somebody made up from taking all memory.
    encoding(bytes.len() as u64).deserialize(bytes).ok()
}

fn encoding(limit: u64) -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_limit(limit)
}
