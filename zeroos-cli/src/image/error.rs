//! Why no image could be made, or one could not be read back.

use crate::address::{Address, AddressRange};
use crate::diagnostic::Diagnose;

/// What went wrong with an image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Committed data is larger than its room.
    #[error("{what} takes {needed} bytes, but has room for {room}")]
    TooLarge {
        /// Which data.
        what: &'static str,
        /// Bytes.
        needed: u64,
        /// Bytes.
        room: u64,
    },
    /// The linked kernel is not what the plan asked for.
    #[error("the linked kernel is unusable: {what}")]
    Kernel {
        /// What was found and expected.
        what: String,
    },
    /// Two pieces share addresses.
    #[error("{first} at {first_range} and {second} at {second_range} overlap")]
    Overlap {
        /// One piece.
        first: String,
        /// Where.
        first_range: AddressRange,
        /// The other.
        second: String,
        /// Where.
        second_range: AddressRange,
    },
    /// A stub that cannot be written as planned.
    #[error("the stub of the call at {site} cannot be made: {what}")]
    Stub {
        /// Its site.
        site: Address,
        /// Why.
        what: String,
    },
    /// The ELF writer refused.
    #[error("the image could not be written as ELF: {message}")]
    Write {
        /// Its message.
        message: String,
    },
    /// The file is no image of zeroos.
    #[error("{what}")]
    NotAnImage {
        /// What was found.
        what: String,
    },
    /// The machine's loader would refuse the finished image.
    #[error("platform `{platform}` would not load the image: {what} at {address}")]
    LoaderRule {
        /// The platform.
        platform: String,
        /// What was found.
        what: String,
        /// Where; 0 for the image as a whole.
        address: Address,
    },
    /// The finished image is not what the plan says.
    #[error("the finished image does not match its plan: {what} at {address}")]
    Verify {
        /// What differs.
        what: String,
        /// Where.
        address: Address,
    },
}

impl Diagnose for ImageError {
    fn code(&self) -> &'static str {
        match self {
            ImageError::TooLarge { .. } => "ZOS-E0701",
            ImageError::Kernel { .. } => "ZOS-E0702",
            ImageError::Overlap { .. } => "ZOS-E0703",
            ImageError::Write { .. } => "ZOS-E0704",
            ImageError::NotAnImage { .. } => "ZOS-E0705",
            ImageError::Verify { .. } => "ZOS-E0706",
            ImageError::Stub { .. } => "ZOS-E0707",
            ImageError::LoaderRule { .. } => "ZOS-E0708",
        }
    }

    fn help(&self) -> String {
        match self {
            ImageError::TooLarge { .. } => "shorten the arguments, environment or committed files".into(),
            ImageError::LoaderRule { .. } => {
                "link the program for the machine: its platform's README says how; `zeroos platforms` lists others"
                    .into()
            }
            ImageError::NotAnImage { .. } => "build one with `zeroos build APP`, or run the program itself".into(),
            _ => "this is a fault of zeroos itself: please report it with the command you gave".into(),
        }
    }
}
