//! Where everything lies: program, break, mappings, stack, kernel body, kernel heap and the data laid out at build time.
//!
//! In the platform's first region, upwards: kernel body, boot data, program (if it can be moved) and its break, stack,
//! mappings, kernel heap. A program with fixed addresses stays there, its break behind it, and in a small region that begins
//! with the program the kernel comes behind it. Room for stubs is right before and right behind the program, which they must
//! reach. Machines that keep code and data apart are [`apart`]'s. Behind a page table a program has a window of memory for
//! itself: its break, its mappings and, at the end, its stack.

mod apart;

use super::{CommittedInputs, PageTable, PlanError};
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{AppElf, ElfKind};
use crate::platform::{Platform, Translation};

/// Everything is placed in whole pages of this size, bytes.
pub const PAGE: u64 = 4096;
/// Room for the kernel's code, data and stack, bytes; the linker script checks that it fits.
const KERNEL_BODY: u64 = 1 << 20;
/// Linux's default RLIMIT_STACK, bytes.
const STACK: u64 = 8 << 20;
/// What is kept free behind a page table: below the stack, as on Linux (mm/mmap.c, stack_guard_gap), and above it.
const STACK_GUARD: u64 = 1 << 20;
const STACK_CEILING: u64 = 2 << 20;
/// A moved program starts at a multiple of at least this, bytes; of more if its segments ask for it.
const PROGRAM_ALIGNMENT: u64 = 1 << 16;

/// Addresses of everything in the image's machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// What is added to the program's link-time addresses, wrapping.
    pub bias: u64,
    /// The program's segments, placed, from the first page to the last.
    pub program: AddressRange,
    /// Room of the kernel's code, constants, data and stack.
    pub kernel: KernelRoom,
    /// Read-only data laid out at build time: boot information, tables, committed files.
    pub boot_data: AddressRange,
    /// Room for stubs around the program; empty if there are to be none. Handlers do not reach it, but for the rest of the
    /// program's last page of code where stubs follow right behind that.
    pub stub_areas: Vec<AddressRange>,
    /// The break.
    pub break_range: AddressRange,
    /// The initial thread's stack; its top holds the initial stack contents.
    pub stack: AddressRange,
    /// For mmap.
    pub mappings: AddressRange,
    /// The kernel's heap.
    pub kernel_heap: AddressRange,
    /// Memory the machine must have for this image, ascending, at the addresses at which program and kernel see it.
    pub ram: Vec<AddressRange>,
    /// The table that shows them memory that lies elsewhere.
    pub page_table: Option<PageTable>,
}

/// Room for the linked kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KernelRoom {
    /// All of it in one range, code first.
    Together(AddressRange),
    /// Code in one, everything else in the other.
    Apart {
        /// For code.
        code: AddressRange,
        /// For constants, data and stack.
        data: AddressRange,
    },
}

impl KernelRoom {
    /// Where its code lies.
    pub fn code(self) -> AddressRange {
        match self {
            KernelRoom::Together(range) | KernelRoom::Apart { code: range, .. } => range,
        }
    }

    /// The range or ranges.
    pub fn ranges(self) -> impl Iterator<Item = AddressRange> {
        let (first, second) = match self {
            KernelRoom::Together(range) => (range, None),
            KernelRoom::Apart { code, data } => (code, Some(data)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Placement {
    /// Places `app` on `platform`, with `stub_room` bytes for stubs behind it and, where there is memory, before it.
    ///
    /// # Errors
    /// No memory at the program's addresses, or not enough of it.
    pub fn new(
        app: &AppElf,
        platform: &Platform,
        inputs: &CommittedInputs,
        stub_room: u64,
    ) -> Result<Placement, PlanError> {
        if platform.keeps_code_apart() {
            return apart::place(app, platform, inputs, stub_room);
        }
        let main = platform.memory[0].range;
        let mut room = Room { next: main.start(), range: main, platform };
        let span = whole_pages(app.span());
        let boot_data_room = boot_data_room(inputs);
        let is_first = app.kind == ElfKind::Executable
            && main.covers(span)
            && (span.start() - main.start()).0 < KERNEL_BODY + boot_data_room;
        let floor = main.start();
        if is_first {
            room.next = span.end();
            room.take("stubs", stub_room)?;
        }
        let kernel = KernelRoom::Together(room.take("the kernel", KERNEL_BODY)?);
        let boot_data = room.take("arguments and committed files", boot_data_room)?;
        let mut ram: Vec<AddressRange> = platform.memory.iter().map(|region| region.range).collect();
        let (bias, program, break_range);
        let stub_pages = Address(stub_room).align_up(PAGE).map_or(0, |room| room.0);
        // Memory between `floor` and the program, as far as stubs need it.
        let before = |program: AddressRange, floor: Address| {
            let wanted = Address(program.start().0.saturating_sub(stub_pages));
            between(wanted.max(floor), program.start())
        };
        let stack_size = STACK.min(page_down(main.size().0 / 8));
        let stubs_before;
        let stubs_behind;
        let (mut page_table, mut own_mappings, mut own_stack) = (None, None, None);
        match (app.kind, home_of(span, platform)) {
            (ElfKind::StaticPie, _) => {
                let alignment = PROGRAM_ALIGNMENT.max(app.alignment);
                let floor = room.next;
                room.take("stubs", stub_pages)?;
                room.align(alignment);
                let aligned = span.start().align_down(alignment);
                let size = (span.end() - aligned).0;
                let placed = room.take("the program", size)?;
                bias = placed.start().0.wrapping_sub(aligned.0);
                program = placed;
                stubs_before = before(program, floor);
                stubs_behind = room.take("stubs", stub_pages)?;
                break_range = room.take("the break", room.left() / 8)?;
            }
            (ElfKind::Executable, Some(Home::Memory(region))) if region == main && is_first => {
                bias = 0;
                program = span;
                stubs_before = before(span, floor);
                stubs_behind = behind(span, region, stub_pages);
                break_range = room.take("the break", room.left() / 8)?;
            }
            (ElfKind::Executable, Some(Home::Memory(region))) if region == main => {
                // The program has its place inside the main region: everything movable goes behind it.
                bias = 0;
                program = span;
                stubs_before = before(span, room.next);
                room.next = span.end();
                stubs_behind = room.take("stubs", stub_pages)?;
                break_range = room.take("the break", room.left() / 8)?;
            }
            (ElfKind::Executable, Some(Home::Memory(region))) => {
                bias = 0;
                program = span;
                stubs_before = before(span, region.start());
                stubs_behind = behind(span, region, stub_pages);
                break_range = between(stubs_behind.end(), region.end());
            }
            (ElfKind::Executable, Some(Home::InPlace(window))) => {
                bias = 0;
                program = span;
                stubs_before = before(span, window.start());
                stubs_behind = behind(span, window, stub_pages);
                break_range = between(stubs_behind.end(), window.end());
                ram.push(between(stubs_before.start(), window.end()));
            }
            (ElfKind::Executable, Some(Home::Translated(translation))) => {
                let window = usable(translation);
                bias = 0;
                program = span;
                stubs_before = before(span, window.start());
                stubs_behind = behind(span, window, stub_pages);
                let mut own = Room { next: stubs_behind.end(), range: window, platform };
                let taken = STACK_GUARD + stack_size + STACK_CEILING;
                let left = own.left().checked_sub(taken).ok_or_else(|| own.too_small("the stack", taken))?;
                break_range = own.take("the break", page_down(left / 8))?;
                own_mappings = Some(own.take("mappings", left - break_range.size().0)?);
                own.take("the stack's guard", STACK_GUARD)?;
                own_stack = Some(own.take("the stack", stack_size)?);
                ram.push(window);
                page_table = Some(PageTable::new(platform, translation, |size| room.take("the page table", size))?);
            }
            (ElfKind::Executable, None) => return Err(no_memory(span, platform)),
        }
        let stack = match own_stack {
            Some(stack) => stack,
            None => room.take("the stack", stack_size)?,
        };
        let heap_size = page_down(room.left() / 8);
        let mapping_size = page_down(room.left()).saturating_sub(heap_size);
        let mappings = match own_mappings {
            Some(mappings) => mappings,
            None => room.take("mappings", mapping_size)?,
        };
        let kernel_heap = room.take("the kernel's heap", heap_size)?;
        ram.sort();
        let stub_areas = [stubs_before, stubs_behind].into_iter().filter(|area| !area.is_empty()).collect();
        Ok(Placement {
            bias,
            program,
            kernel,
            boot_data,
            stub_areas,
            break_range,
            stack,
            mappings,
            kernel_heap,
            ram,
            page_table,
        })
    }

    /// The files below `subsystems/` that are the program's memory in the kernel of `app` on `platform`.
    pub(super) fn memory_files(app: &AppElf, platform: &Platform, check_access: bool) -> &'static [&'static str] {
        let is_fixed = app.kind == ElfKind::Executable && !platform.keeps_code_apart();
        match home_of(whole_pages(app.span()), platform) {
            Some(Home::Translated(_)) if is_fixed => &["protected_memory", "page_fault_report"],
            _ if check_access => &["checked_memory"],
            _ => &["program_memory"],
        }
    }

    /// Gives areas in which no stub lies back: the break then starts right behind the program, as it would without stubs,
    /// and the program's memory is one range.
    pub(super) fn keep_stub_areas(&mut self, holds_a_stub: impl Fn(AddressRange) -> bool) {
        let kernel_code = self.kernel.code().start();
        let is_apart = matches!(self.kernel, KernelRoom::Apart { .. });
        self.stub_areas.retain(|&area| {
            // Code that is to have no gaps goes on there with the kernel's.
            let keep = holds_a_stub(area) || is_apart && area.end() == kernel_code;
            if !keep && area.end() == self.break_range.start() {
                self.break_range = between(area.start(), self.break_range.end());
            }
            keep
        });
    }

    /// Where the program's link-time address `address` lies in the image.
    pub fn placed(&self, address: Address) -> Address {
        Address(address.0.wrapping_add(self.bias))
    }
}

/// Free space of the main region, given out upwards.
struct Room<'a> {
    next: Address,
    range: AddressRange,
    platform: &'a Platform,
}

impl Room<'_> {
    fn left(&self) -> u64 {
        (self.range.end() - self.next).0
    }

    fn align(&mut self, alignment: u64) {
        self.next = self.next.align_up(alignment).unwrap_or(self.range.end());
    }

    fn take(&mut self, what: &'static str, size: u64) -> Result<AddressRange, PlanError> {
        let pages = Address(size).align_up(PAGE).unwrap_or(Address(u64::MAX)).0;
        let taken = AddressRange::new(self.next, ByteCount(pages)).filter(|taken| taken.end() <= self.range.end());
        let taken = taken.ok_or_else(|| self.too_small(what, size))?;
        self.next = taken.end();
        Ok(taken)
    }

    fn too_small(&self, what: &'static str, needed: u64) -> PlanError {
        let (available, platform) = (self.left(), self.platform.name.clone());
        PlanError::TooLarge { what, needed, available, platform, region: self.range }
    }
}

/// Whose memory holds a fixed program.
enum Home {
    Memory(AddressRange),
    InPlace(AddressRange),
    Translated(Translation),
}

fn home_of(span: AddressRange, platform: &Platform) -> Option<Home> {
    let region = platform.memory.iter().map(|region| region.range).find(|region| region.covers(span));
    let window = platform.in_place.filter(|window| window.covers(span));
    let translation = platform.translation.filter(|&translation| usable(translation).covers(span));
    region.map(Home::Memory).or(window.map(Home::InPlace)).or(translation.map(Home::Translated))
}

/// The window of a translated program without its first page: a null pointer points at nothing.
fn usable(translation: Translation) -> AddressRange {
    let window = translation.program.range;
    between(Address(window.start().0 + PAGE), window.end())
}

fn no_memory(program: AddressRange, platform: &Platform) -> PlanError {
    let memory: Vec<String> = platform.memory.iter().map(|region| region.range.to_string()).collect();
    PlanError::NoMemoryThere { program, platform: platform.name.clone(), memory: memory.join(", ") }
}

/// Up to `size` bytes right behind `program` in `region`.
fn behind(program: AddressRange, region: AddressRange, size: u64) -> AddressRange {
    between(program.end(), Address(program.end().0.saturating_add(size)).min(region.end()))
}

/// Room for [`boot data`](Placement::boot_data), generous by a little: contents, and for each file, string or table
/// entry some words.
fn boot_data_room(inputs: &CommittedInputs) -> u64 {
    let files: usize = inputs.files.iter().map(|file| file.contents.len() + file.path.len() + 128).sum();
    (files + inputs.executable_path.len()) as u64 + (256 << 10)
}

fn whole_pages(range: AddressRange) -> AddressRange {
    between(range.start().align_down(PAGE), range.end().align_up(PAGE).unwrap_or(range.end()))
}

fn page_down(size: u64) -> u64 {
    size & !(PAGE - 1)
}

fn between(start: Address, end: Address) -> AddressRange {
    AddressRange::between(start, end).unwrap_or_default()
}
