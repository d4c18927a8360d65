//! SP1's core prover and verifier with their parameters, and the proof file.

use bincode::Options;
use sp1_core_executor::{Program, SP1Context, SP1CoreOpts};
use sp1_core_machine::io::SP1Stdin;
use sp1_core_machine::riscv::RiscvAir;
use sp1_core_machine::utils::prove_core;
use sp1_hypercube::prover::{CpuShardProver, SP1InnerPcsProver, SimpleProver};
use sp1_hypercube::{InnerSC, MachineProof, MachineVerifyingKey, SP1InnerPcs, SP1PcsProofInner, ShardVerifier};
use sp1_primitives::fri_params::core_fri_config;
use sp1_primitives::{SP1Field, SP1GlobalContext};
use std::sync::Arc;

/// Two to this is the height at which columns are stacked for commitment: SP1's own choice for core proofs.
const LOG_STACKING_HEIGHT: u32 = 21;
/// Two to this is the most rows that a table of a shard may have: SP1's own choice for core proofs.
const MAX_LOG_ROW_COUNT: usize = 22;

/// What a proof file begins with: a proof is of use only to the version that made it.
const MAGIC: &[u8] = b"zeroos SP1 6.10.0 core proof\n";

/// Prover and verifier of SP1's RISC-V machine.
type Prover = SimpleProver<SP1GlobalContext, Context, ShardProver>;
/// A proof of a whole run, one part for each shard.
pub type Proof = MachineProof<SP1GlobalContext, SP1PcsProofInner>;
/// What a verifier has to know of a program.
pub type VerifyingKey = MachineVerifyingKey<SP1GlobalContext>;
type Context = InnerSC<RiscvAir<SP1Field>>;
type ShardProver = CpuShardProver<SP1GlobalContext, SP1InnerPcs, SP1InnerPcsProver, RiscvAir<SP1Field>>;

/// The prover, with the parameters (and so the security) of SP1's own core proofs.
fn prover() -> Prover {
    let verifier = ShardVerifier::from_basefold_parameters(
        core_fri_config(),
        LOG_STACKING_HEIGHT,
        MAX_LOG_ROW_COUNT,
        RiscvAir::machine(),
    );
    SimpleProver::new(verifier.clone(), ShardProver::new(verifier))
}

/// Runs a program and proves the run.
pub fn prove(program: Arc<Program>, input: &[u8]) -> Result<(Proof, u64), String> {
    let stdin = SP1Stdin::from(input);
    wait(async {
        let prover = prover();
        let (proving_key, _) = prover.setup(program.clone()).await;
        // SAFETY: the permit that this gives up keeps several provers from the same device at once. There is one, on the CPU.
        let proving_key = unsafe { proving_key.into_inner() };
        prove_core(&prover, proving_key, program, stdin, SP1CoreOpts::default(), SP1Context::default()).await
    })?
    .map_err(|error| error.to_string())
}

/// Commits to a program.
pub fn verifying_key(program: Arc<Program>) -> Result<VerifyingKey, String> {
    wait(async { prover().setup(program).await.1 })
}

/// Checks each shard of a proof by itself; `statement` checks what they make together.
pub fn verify_shards(key: &VerifyingKey, proof: &Proof) -> Result<(), String> {
    prover().verify(key, proof).map_err(|error| error.to_string())
}

/// Runs SP1's asynchronous code.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .map_err(|error| format!("no threads can be had: {error}"))?;
    Ok(runtime.block_on(future))
}

/// A proof as bytes.
///
/// # Errors
/// If it cannot be serialised.
pub fn to_bytes(proof: &Proof) -> Result<Vec<u8>, String> {
    let mut bytes = MAGIC.to_vec();
    encoding(u64::MAX).serialize_into(&mut bytes, proof).map_err(|error| error.to_string())?;
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
