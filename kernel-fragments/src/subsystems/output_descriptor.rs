//! A descriptor for the public output that is open when the program starts: what `--output-fd` asks for. Only then is this
//! file part of a kernel.

use crate::abi::open_flags::{O_LARGEFILE, O_WRONLY};
use crate::boot_info::BootInfo;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::public_output::PublicOutput;
use alloc::boxed::Box;

hook!(boot => open);

/// Opens it. The builder checked that the number is below the limit of a new table.
pub fn open(descriptors: &mut Descriptors, boot: &BootInfo) {
    let file = OpenFile::new(Box::new(PublicOutput(None)), O_WRONLY | O_LARGEFILE);
    let _ = descriptors.replace(Fd(boot.output_descriptor as i32), file, false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::console::open_input;
    use crate::testing::FakePlatform;

    #[test]
    fn the_descriptor_writes_public_output_and_others_get_other_numbers() {
        let (mut descriptors, mut platform) = (Descriptors::new(), FakePlatform::new());
        open(&mut descriptors, &BootInfo { output_descriptor: 4, ..BootInfo::default() });
        let file = descriptors.writable(Fd(4)).expect("it was opened").clone();
        assert_eq!(file.file.write(&mut platform, 0, b"result"), Ok(6));
        assert_eq!(platform.public, b"result");
        assert_eq!(descriptors.readable(Fd(4)).err(), Some(Errno::EBADF));
        assert_eq!(descriptors.insert(open_input(), false, 0), Ok(Fd(3)));
        assert_eq!(descriptors.insert(open_input(), false, 0), Ok(Fd(5)));
    }
}
