//! Placement on machines that keep code and data apart: that execute in other memory than they write to, or want all
//! executable segments in one piece.
//!
//! ```text
//! code memory   more stubs │ program's code │ stubs │ kernel's code
//! data memory   program's data │ break │ kernel's data │ boot data │ stack │ mappings │ kernel heap
//! ```
//!
//! The distance between a program's code and data is fixed when it is linked, so it must be linked for such a machine: with
//! room behind its code, and as far apart as the memories are. Constants may lie in either memory. What is free of the page
//! before the code is for stubs that code near its start needs within 1 MiB, if the code is longer than that.

use super::{
    KernelRoom, PAGE, PROGRAM_ALIGNMENT, Placement, Room, STACK, between, boot_data_room, no_memory, page_down,
    whole_pages,
};
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{AppElf, ElfKind, Segment};
use crate::plan::{CommittedInputs, PlanError};
use crate::platform::{MemoryRegion, Platform};

/// Room for the kernel's code, bytes; the linker script checks that it fits.
const KERNEL_CODE: u64 = 256 << 10;
/// Room for the kernel's constants, data and stack, bytes.
const KERNEL_DATA: u64 = 512 << 10;

/// As [`Placement::new`].
pub(super) fn place(
    app: &AppElf,
    platform: &Platform,
    inputs: &CommittedInputs,
    stub_room: u64,
) -> Result<Placement, PlanError> {
    let span = whole_pages(app.span());
    let (bias, data_memory) = bias(app, platform).ok_or_else(|| no_memory(span, platform))?;
    let placed = |address: Address| Address(address.0.wrapping_add(bias));
    let code = app.segments.iter().filter(|segment| segment.permissions.execute);
    let code_end = code.map(|segment| segment.range.end()).max().unwrap_or(app.entry);
    let limit = code_limit(app, platform, code_end, bias);
    let (code_end, limit) = (placed(code_end), placed(limit));

    // Behind the program's code: stubs, then the kernel's code. Loaders want segments aligned, if they allow gaps.
    let gap = if platform.loader.contiguous_text { 1 } else { 16 };
    let code_end = code_end.align_up(gap).unwrap_or(limit);
    let stubs_end = Address(code_end.0.saturating_add(stub_room)).align_up(16).unwrap_or(limit);
    let kernel_code = AddressRange::new(stubs_end, ByteCount(KERNEL_CODE)).filter(|room| room.end() <= limit);
    let kernel_code = kernel_code.ok_or_else(|| PlanError::CodeTooClose {
        platform: platform.name.clone(),
        code_end,
        needed: (stubs_end - code_end).0 + KERNEL_CODE,
        available: limit.0.saturating_sub(code_end.0),
    })?;

    let program = between(placed(span.start()), placed(span.end()));
    let data_end = app.segments.iter().filter(|segment| data_memory.covers(moved(segment, bias)));
    let data_end = data_end.map(|segment| placed(segment.range.end())).max().unwrap_or(data_memory.start());
    let next = data_end.max(Address(if data_memory.contains(kernel_code.start()) { kernel_code.end().0 } else { 0 }));
    let next = next.align_up(PAGE).unwrap_or(data_memory.end());
    let mut room = Room { next, range: data_memory, platform };
    let break_range = room.take("the break", room.left() / 8)?;
    let kernel_data = room.take("the kernel", KERNEL_DATA)?;
    let boot_data = room.take("arguments and committed files", boot_data_room(inputs))?;
    let stack = room.take("the stack", STACK.min(page_down(data_memory.size().0 / 8)))?;
    let heap_size = page_down(room.left() / 8);
    let mappings = room.take("mappings", page_down(room.left()).saturating_sub(heap_size))?;
    let kernel_heap = room.take("the kernel's heap", heap_size)?;
    let mut ram: Vec<AddressRange> = platform.memory.iter().map(|region| region.range).collect();
    ram.sort();
    Ok(Placement {
        bias,
        program,
        kernel: KernelRoom::Apart { code: kernel_code, data: kernel_data },
        boot_data,
        stub_areas: [between(code_end, stubs_end)].into_iter().chain(before_code(app, platform, bias)).collect(),
        break_range,
        stack,
        mappings,
        kernel_heap,
        ram,
        page_table: None,
    })
}

/// What is free of the page that ends where the program's code starts.
fn before_code(app: &AppElf, platform: &Platform, bias: u64) -> Option<AddressRange> {
    let code = app.segments.iter().filter(|segment| segment.permissions.execute);
    let start = moved(code.min_by_key(|segment| segment.range.start())?, bias).start();
    let before = app.segments.iter().map(|segment| moved(segment, bias).end()).filter(|&end| end <= start).max();
    let memory = platform.memory.iter().find(|region| region.access.executes() && region.range.contains(start))?;
    let lowest = platform.loader.lowest_address.unwrap_or_default().max(memory.range.start());
    let page = Address(start.0.saturating_sub(1)).align_down(PAGE);
    // Where segments share no page, only a free page may be used.
    let alignment = if platform.loader.separate_pages { PAGE } else { 16 };
    let free = before.unwrap_or(lowest).max(lowest).max(page).align_up(alignment)?;
    AddressRange::between(free, start).filter(|area| !area.is_empty())
}

/// The program's segment, moved by `bias`.
fn moved(segment: &Segment, bias: u64) -> AddressRange {
    let start = Address(segment.range.start().0.wrapping_add(bias));
    AddressRange::new(start, segment.range.size()).unwrap_or_default()
}

/// How far up the program's code could go on, at link-time addresses: to its next segment, or the end of the memory.
fn code_limit(app: &AppElf, platform: &Platform, code_end: Address, bias: u64) -> Address {
    let placed = Address(code_end.0.wrapping_add(bias));
    let memory =
        platform.memory.iter().find(|region| region.access.executes() && region.range.covers(between(placed, placed)));
    let memory_end = memory.map_or(code_end, |region| Address(region.range.end().0.wrapping_sub(bias)));
    let starts = app.segments.iter().map(|segment| segment.range.start()).filter(|&start| start >= code_end);
    starts.min().map_or(memory_end, |start| start.align_down(PAGE)).min(memory_end)
}

/// By how much the program is moved so that every segment lies in memory that serves it: the least that does, with the memory
/// of its writable segments.
fn bias(app: &AppElf, platform: &Platform) -> Option<(u64, AddressRange)> {
    let serves = |region: &MemoryRegion, segment: &Segment| {
        let wanted = segment.permissions;
        (!wanted.execute || region.access.executes()) && (!wanted.write || region.access.writes())
    };
    let lowest = platform.loader.lowest_address.unwrap_or(Address(0));
    let fits = |bias: u64| {
        let has_home = |segment: &Segment| {
            let range = moved(segment, bias);
            range.start() >= lowest
                && platform.memory.iter().any(|region| serves(region, segment) && region.range.covers(range))
        };
        app.segments.iter().all(has_home)
    };
    let alignment = PROGRAM_ALIGNMENT.max(app.alignment);
    let bias = match app.kind {
        ElfKind::Executable => Some(0).filter(|&bias| fits(bias)),
        // The least bias puts some segment to the start of some memory.
        ElfKind::StaticPie => {
            let starts = platform.memory.iter().flat_map(|region| {
                app.segments.iter().filter_map(move |segment| {
                    let start = segment.range.start().align_down(alignment);
                    Some(region.range.start().align_up(alignment)?.0.wrapping_sub(start.0))
                })
            });
            starts.filter(|&bias| fits(bias)).min_by_key(|&bias| app.span().start().0.wrapping_add(bias))
        }
    }?;
    let writable = app.segments.iter().find(|segment| segment.permissions.write);
    let data = platform.memory.iter().find(|region| match writable {
        Some(segment) => region.range.covers(moved(segment, bias)),
        None => region.access.writes(),
    });
    data.map(|region| (bias, region.range))
}
