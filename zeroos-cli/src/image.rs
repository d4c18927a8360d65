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
mod page_table;
mod resumed;
mod stub_code;
mod stubs;
mod write;

pub use error::ImageError;
pub use initial_stack::{assumed_states, initial_state};
pub use kernel::KernelParts;
pub use note::{DirectSite, Exports, ImageNote, Memory, NOTE_SECTION, Span, read_note};
pub use resumed::Snapshot;

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

/// The registers that [`RESUME`](crate::plan::RESUME) loads.
const SAVED: &str = "zeroos_saved";

/// A finished image.
#[derive(Clone, Debug)]
pub struct Image {
    layout: Layout,
    /// What an engine must know of it.
    pub note: ImageNote,
    /// The ELF.
    pub bytes: Vec<u8>,
}

impl Image {
    /// The image of `plan`.
    ///
    /// # Errors
    /// Data that does not fit its room, or a linked kernel that is not where the plan put it.
    pub fn build(app: &AppElf, analysis: &Analysis, plan: &Plan, kernel: &[u8]) -> Result<Image, ImageError> {
        Image::of(app, plan, Layout::new(app, analysis, plan, kernel)?)
    }

    /// The same, started already: it goes on where `snapshot` was taken.
    ///
    /// # Errors
    /// A kernel that cannot go on there.
    pub fn resumed(&self, app: &AppElf, plan: &Plan, snapshot: &Snapshot) -> Result<Image, ImageError> {
        Image::of(app, plan, self.layout.resumed(plan, snapshot)?)
    }

    fn of(app: &AppElf, plan: &Plan, layout: Layout) -> Result<Image, ImageError> {
        let note = ImageNote::new(plan, &layout);
        let bytes = write::elf(app, plan, &layout, &note)?;
        Ok(Image { layout, note, bytes })
    }
}
