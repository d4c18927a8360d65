//! The image: program, kernel and the data laid out at build time in one ELF, with the symbols of both halves and a note
//! that says how to run it.

mod boot_data;
mod callee;
mod error;
mod initial_stack;
mod kernel;
mod layout;
mod lowered;
mod note;
mod stub_code;
mod stubs;
mod write;

pub use error::ImageError;
pub use note::{DirectSite, ImageNote, Memory, NOTE_SECTION, Span, read_note};

pub(crate) use layout::Layout;
pub(crate) use lowered::{filler, words};

use crate::address::Address;
use crate::analysis::Analysis;
use crate::elf::AppElf;
use crate::plan::Plan;

/// Where the kernel will find its boot information: known before the kernel is linked.
pub fn boot_info_address(plan: &Plan) -> Address {
    plan.placement.boot_data.start()
}

/// The finished image's bytes.
///
/// # Errors
/// Data that does not fit its room, or a linked kernel that is not where the plan put it.
pub fn build(app: &AppElf, analysis: &Analysis, plan: &Plan, kernel: &[u8]) -> Result<Vec<u8>, ImageError> {
    let layout = Layout::new(app, analysis, plan, kernel)?;
    let note = ImageNote::new(plan, &layout);
    write::elf(app, plan, &layout, &note)
}
