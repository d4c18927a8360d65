//! All pieces of an image at their addresses, checked against each other, before anything is written.

use kernel_fragments::boot_info::EXPORTED_SYMBOL;

use super::ImageError;
use super::boot_data::{self, BootFacts, Named};
use super::initial_stack::InitialStack;
use super::kernel::{KernelParts, LinkedKernel};
use super::lowered;
use super::page_table;
use super::stubs::{self, Stub};
use crate::address::{Address, AddressRange, ByteCount};
use crate::analysis::Analysis;
use crate::catalog::Module;
use crate::elf::{AppElf, ElfKind, Permissions, Symbol};
use crate::plan::{KernelRoom, Plan};

/// A loadable piece of the image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    /// Section name.
    pub name: String,
    /// Whose it is.
    pub origin: Origin,
    /// The memory it takes.
    pub range: AddressRange,
    /// Its first bytes; the rest of `range` is zero.
    pub bytes: Vec<u8>,
    /// How it is mapped.
    pub permissions: Permissions,
}

/// Where a piece comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// A segment of the program, changed only at the sites that the plan lists.
    Program,
    /// The linked kernel.
    Kernel,
    /// The stubs that sites jump to.
    Stubs,
    /// Laid out by the builder.
    Builder,
}

/// Everything that goes into the image.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Ascending, disjoint.
    pub pieces: Vec<Piece>,
    /// The first instruction: the bootloader's.
    pub entry: Address,
    /// Symbols of the kernel.
    pub kernel_symbols: Vec<Symbol>,
    /// `tohost` and `fromhost`, if the kernel has them.
    pub htif: Option<(Address, Address)>,
    /// The table of what can be copied out, if the kernel has one.
    pub exported: Option<Address>,
    /// How much kernel there is.
    pub kernel_parts: KernelParts,
    /// The stub of each site that has one, by the site.
    pub stubs: Vec<Stub>,
    /// What stubs take of the program's text.
    pub stubs_in_text: Vec<AddressRange>,
}

const PAGE: u64 = 4096;
const READ: Permissions = Permissions { read: true, write: false, execute: false };
const READ_WRITE: Permissions = Permissions { read: true, write: true, execute: false };

impl Layout {
    /// Lays out `app`, the linked `kernel` and the data of `plan`.
    ///
    /// # Errors
    /// Pieces that overlap or do not fit, a kernel outside its room.
    pub fn new(app: &AppElf, analysis: &Analysis, plan: &Plan, kernel: &[u8]) -> Result<Layout, ImageError> {
        let placement = &plan.placement;
        let linked = LinkedKernel::read(kernel, placement.kernel)?;
        let mut pieces = linked.pieces.clone();
        for (index, segment) in app.segments.iter().enumerate() {
            let range = AddressRange::new(placement.placed(segment.range.start()), segment.range.size());
            pieces.push(Piece {
                name: format!(".program.{index}"),
                origin: Origin::Program,
                range: range.unwrap_or_default(),
                bytes: app.segment_bytes(segment).to_vec(),
                permissions: segment.permissions,
            });
        }
        relocate(plan, &mut pieces)?;
        patch(plan, &mut pieces)?;
        lowered::patch(plan, &mut pieces)?;
        let stubs = stubs::write(plan, &linked)?;
        let lowered = lowered::stubs(plan, &linked)?;
        let all = stubs.iter().chain(&lowered);
        let stub_bytes: u64 = all.clone().map(|stub| stub.bytes.len() as u64).sum();
        let (inside, all): (Vec<&Stub>, Vec<&Stub>) = all.partition(|stub| plan.is_unused_text(stub.range()));
        for stub in &inside {
            lowered::put(&mut pieces, stub.start, &stub.bytes)?;
        }
        let stubs_in_text = inside.iter().map(|stub| stub.range()).collect();
        let filled = if plan.platform.keeps_code_apart() { placement.stub_areas.as_slice() } else { &[] };
        pieces.extend(stubs::pieces(all.into_iter(), &plan.platform.loader, filled));

        let InitialStack { pointer: stack_pointer, bytes: stack, .. } = InitialStack::of(app, plan);
        if stack.len() as u64 > placement.stack.size().0 / 4 {
            let (needed, room) = (stack.len() as u64, placement.stack.size().0 / 4);
            return Err(ImageError::TooLarge { what: "the initial stack (arguments and environment)", needed, room });
        }
        let stack_range = AddressRange::between(stack_pointer, placement.stack.end()).unwrap_or_default();
        pieces.push(Piece {
            name: ".stack".into(),
            origin: Origin::Builder,
            range: stack_range,
            bytes: stack,
            permissions: READ_WRITE,
        });

        let facts = BootFacts {
            entry: placement.placed(app.entry),
            stack_pointer,
            kernel_code: placement.kernel.code(),
            program_ranges: &program_ranges(app, plan),
            segments: &asked_segments(app, plan),
            missing: &missing_names(plan),
            sites: &stopping_sites(analysis, plan),
            continuations: &stubs::continuations(&stubs),
            signal_return: linked.symbol("zeroos_signal_return"),
        };
        let data = boot_data::serialise(plan, &facts, placement.boot_data.start());
        let size = ByteCount(data.len() as u64);
        let range = AddressRange::new(placement.boot_data.start(), size)
            .filter(|range| placement.boot_data.covers(*range))
            .ok_or(ImageError::TooLarge {
                what: "the kernel's tables and committed files",
                needed: size.0,
                room: placement.boot_data.size().0,
            })?;
        pieces.push(Piece { name: ".boot".into(), origin: Origin::Builder, range, bytes: data, permissions: READ });

        let stack_permissions = Permissions { execute: app.executable_stack, ..READ_WRITE };
        pieces.extend(page_table::pieces(placement, &pieces, stack_permissions));

        pieces.sort_by_key(|piece| piece.range);
        if let Some(pair) = pieces.windows(2).find(|pair| pair[0].range.overlaps(pair[1].range)) {
            return Err(ImageError::Overlap {
                first: pair[0].name.clone(),
                first_range: pair[0].range,
                second: pair[1].name.clone(),
                second_range: pair[1].range,
            });
        }
        Ok(Layout {
            exported: linked.symbol(EXPORTED_SYMBOL),
            htif: linked.symbol("tohost").zip(linked.symbol("fromhost")),
            entry: linked.entry,
            kernel_symbols: linked.symbols,
            kernel_parts: KernelParts { stub_bytes, ..linked.parts },
            stubs,
            stubs_in_text,
            pieces,
        })
    }

    /// The program's pieces' ranges, without the stubs there.
    pub fn program_ranges(&self) -> Vec<AddressRange> {
        let mut stubs = self.stubs_in_text.clone();
        stubs.sort();
        let mut ranges = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.origin == Origin::Program) {
            let mut start = piece.range.start();
            for stub in stubs.iter().filter(|&&stub| piece.range.covers(stub)) {
                ranges.extend(AddressRange::between(start, stub.start()).filter(|range| !range.is_empty()));
                start = stub.end();
            }
            ranges.extend(AddressRange::between(start, piece.range.end()));
        }
        ranges
    }
}

/// Puts the words of an applied relocation in their places.
fn relocate(plan: &Plan, pieces: &mut [Piece]) -> Result<(), ImageError> {
    for (&address, word) in &plan.relocated {
        let placed = plan.placement.placed(address);
        let piece = pieces.iter_mut().find(|piece| piece.origin == Origin::Program && piece.range.contains(placed));
        let place = piece.and_then(|piece| {
            let offset = (placed - piece.range.start()).0 as usize;
            piece.bytes.get_mut(offset..offset + 8)
        });
        let place = place.ok_or(ImageError::Stub { site: placed, what: "a relocation lies outside".into() })?;
        place.copy_from_slice(&word.to_le_bytes());
    }
    Ok(())
}

/// Puts the jumps to the stubs in place of the `ecall`s.
fn patch(plan: &Plan, pieces: &mut [Piece]) -> Result<(), ImageError> {
    for (site, entry) in plan.direct_sites() {
        for (start, patch) in entry.patches(site).ok_or_else(|| lowered::unusable(site))? {
            lowered::put(pieces, start, &patch)?;
        }
    }
    Ok(())
}

/// What the program's segments allow, and its stack if more than usual, for kernels that look.
fn asked_segments(app: &AppElf, plan: &Plan) -> Vec<(AddressRange, Permissions)> {
    let has = |file| plan.selection.files.contains_key(&Module::of(&["subsystems", file]));
    let is_asked = has("checked_memory") || has("process_files");
    let segments = app.segments.iter().filter(|_| is_asked).filter_map(|segment| {
        let range = AddressRange::new(plan.placement.placed(segment.range.start()), segment.range.size())?;
        Some((range, segment.permissions))
    });
    let everything = Permissions { read: true, write: true, execute: true };
    let stack = (is_asked && app.executable_stack).then_some((plan.placement.stack, everything));
    segments.chain(stack).collect()
}

/// What handlers may touch: the program with its break, its stack and its mappings, neighbours joined.
fn program_ranges(app: &AppElf, plan: &Plan) -> Vec<AddressRange> {
    let placement = &plan.placement;
    debug_assert!(app.kind == ElfKind::StaticPie || placement.bias == 0);
    let mut ranges = vec![placement.break_range, placement.stack, placement.mappings];
    match placement.kernel {
        KernelRoom::Together(_) => ranges.push(placement.program),
        // The kernel's code, and much that is no memory, lies between the program's code and its data.
        KernelRoom::Apart { code, .. } => {
            let segments = app.segments.iter().filter_map(|segment| {
                let (start, end) = (placement.placed(segment.range.start()), placement.placed(segment.range.end()));
                AddressRange::between(start.align_down(PAGE), end.align_up(PAGE)?)
            });
            let (before, behind): (Vec<AddressRange>, Vec<AddressRange>) =
                segments.partition(|segment| segment.start() < code.start());
            for side in [before, behind] {
                if let (Some(first), Some(last)) = (side.first(), side.last()) {
                    ranges.extend(AddressRange::between(first.start(), last.end()));
                }
            }
        }
    }
    ranges.retain(|range| !range.is_empty());
    ranges.sort();
    let mut joined: Vec<AddressRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end() == range.start() => {
                *last = AddressRange::between(last.start(), range.end()).unwrap_or(*last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

fn missing_names(plan: &Plan) -> Vec<Named> {
    let missing = plan.selection.missing.keys();
    missing.map(|number| Named { value: number.0, name: number.to_string() }).collect()
}

/// The sites at which the run can stop for want of a fragment: those that carry a missing number, or any number.
fn stopping_sites(analysis: &Analysis, plan: &Plan) -> Vec<Named> {
    let stops = analysis.sites.iter().filter(|site| site.reachable).filter(|site| match site.evidence.numbers() {
        Some(numbers) => numbers.iter().any(|number| plan.selection.missing.contains_key(number)),
        None => true,
    });
    stops.map(|site| Named { value: plan.placement.placed(site.address).0, name: site.function_name.clone() }).collect()
}
