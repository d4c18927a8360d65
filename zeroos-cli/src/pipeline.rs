//! The whole story: from the program's bytes to an image, stage by stage. The only caller of all stages.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;

use crate::address::Address;
use crate::analysis::{self, Analysis, Finished};
use crate::catalog::Catalog;
use crate::compile::{self, KernelCache, Toolchain};
use crate::diagnostic::Diagnostic;
use crate::elf::AppElf;
use crate::image::{self, Image};
use crate::linux::SyscallNumber;
use crate::manifest::{FragmentLookup, FragmentStatus, Manifest};
use crate::plan::{self, CommittedInputs, Placement, Plan, PlanError, PlanRequest, Selection};
use crate::platform::{Platform, PlatformRegistry};
use crate::snapshot;
use crate::source::KernelSource;
use crate::verify::{Started, verify};

/// Platforms tried in this order when none is named: the first whose memory fits the program's addresses.
const DEFAULT_PLATFORMS: [&str; 2] = ["spike", "qemu-virt"];

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct BuildRequest {
    /// `--platform`; the one that fits the program if `None`.
    pub platform: Option<String>,
    /// Platforms to try when none is named, best first; empty for the usual order.
    pub preferred_platforms: Vec<String>,
    /// Folders with platforms of the user's, later ones first.
    pub platform_directories: Vec<PathBuf>,
    /// What the program is given.
    pub inputs: CommittedInputs,
    /// What else was asked for.
    pub request: PlanRequest,
}

/// A program that has been read and understood.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The program.
    pub app: AppElf,
    /// Its reachable calls.
    pub analysis: Analysis,
    /// The fragments there are.
    pub catalog: Catalog,
}

/// What an image that was started already holds of its run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The call that it starts at.
    pub site: Address,
    /// Its number.
    pub number: SyscallNumber,
    /// Instructions that were executed before it.
    pub executed: u64,
}

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// What was decided.
    pub plan: Plan,
    /// The kernel's source.
    pub source: KernelSource,
    /// The image's bytes.
    pub image: Vec<u8>,
    /// The call that it starts at, if it was started already, and how much of the run it holds.
    pub skipped: Option<Skipped>,
}

/// Reads and analyses the program in `bytes`.
///
/// # Errors
/// A file that is no static riscv64 Linux program.
pub fn examine(bytes: Vec<u8>) -> Result<Examined, Diagnostic> {
    let app = AppElf::parse(bytes)?;
    let analysis = thread::scope(|scope| {
        // It takes no memory, so it is done beside the analysis.
        scope.spawn(|| app.sha256());
        analysis::analyse_started(&app, &image::assumed_states(&app))
    });
    // No sooner: the analysis takes the most memory of all, and gives it back.
    Ok(Examined { app, analysis, catalog: Catalog::embedded()? })
}

/// What the program asks of a kernel, and what the library has for it; calls in `enosys` are declared so.
///
/// # Errors
/// A library that lacks a file of every kernel.
pub fn manifest(examined: &Examined, enosys: &BTreeSet<SyscallNumber>) -> Result<Manifest, Diagnostic> {
    let Examined { app, analysis, catalog } = examined;
    let selection = Selection::new(analysis, catalog, enosys, &BTreeSet::new(), plan::Names::in_program(app))?;
    let handlers = selection.handlers.iter();
    let mut fragments: FragmentLookup = handlers
        .filter_map(|(&number, (module, _))| Some((number, FragmentStatus::Supported(catalog.get(module)?.path()))))
        .collect();
    fragments.extend(enosys.iter().map(|&number| (number, FragmentStatus::Enosys)));
    Ok(Manifest::new(app, analysis, &fragments))
}

/// Decides on a kernel for the program. Where it starts in another way than was assumed of it, and that matters, it is analysed again.
///
/// # Errors
/// Any stage's refusal.
pub fn plan(examined: &mut Examined, request: &BuildRequest) -> Result<Plan, Diagnostic> {
    let platform = choose_platform(&examined.app, request)?;
    let Examined { app, analysis, catalog } = examined;
    let plan = |analysis: &Analysis| {
        Plan::new(app, analysis, platform.clone(), catalog, request.inputs.clone(), &request.request)
    };
    let first = plan(analysis)?;
    let starts_otherwise = |finished: &Finished| !finished.holds_for(app, &image::initial_state(app, &first));
    if analysis.finished.as_ref().is_some_and(starts_otherwise) {
        *analysis = analysis::analyse(app);
        return Ok(plan(analysis)?);
    }
    Ok(first)
}

/// Builds the image of a plan.
///
/// # Errors
/// Any stage's refusal.
pub fn build(examined: &Examined, plan: Plan, cache: &KernelCache) -> Result<Built, Diagnostic> {
    let Examined { app, analysis, .. } = examined;
    let source = KernelSource::new(&plan)?;
    let toolchain = Toolchain::find()?;
    let object = compile::compile(&source, &toolchain, cache)?;
    let kernel = compile::link(&object, &source, image::boot_info_address(&plan), &toolchain)?;
    let mut image = Image::build(app, analysis, &plan, &kernel)?;
    verify(app, &plan, &image.bytes, Started::No)?;
    let mut skipped = None;
    if plan.snapshot {
        let snapshot = snapshot::take(&image.bytes, &image.note)?;
        image = image.resumed(app, &plan, &snapshot)?;
        verify(app, &plan, &image.bytes, Started::Yes)?;
        skipped = Some(Skipped { site: snapshot.site, number: snapshot.number, executed: snapshot.executed });
    }
    Ok(Built { plan, source, image: image.bytes, skipped })
}

/// The platform that was named, or the first that can hold the program.
fn choose_platform(app: &AppElf, request: &BuildRequest) -> Result<Platform, Diagnostic> {
    let registry = PlatformRegistry::discover(&request.platform_directories)?;
    if let Some(name) = &request.platform {
        return Ok(registry.load(name)?);
    }
    let usual = DEFAULT_PLATFORMS.map(str::to_owned).to_vec();
    let names = if request.preferred_platforms.is_empty() { &usual } else { &request.preferred_platforms };
    let mut refusal: Option<PlanError> = None;
    for name in names {
        let platform = registry.load(name)?;
        match Placement::new(app, &platform, &request.inputs, 0) {
            Ok(_) => return Ok(platform),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) => Err(error.into()),
        None => Ok(registry.load(DEFAULT_PLATFORMS[0])?),
    }
}
