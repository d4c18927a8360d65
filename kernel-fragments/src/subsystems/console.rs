//! The three standard streams as open files. Standard input is the run's input, the other two the console; all three
//! look like pipes, which is what they are when the original runs with its output collected.

use crate::abi::open_flags::{O_ACCMODE, O_RDONLY, O_WRONLY};
use crate::abi::pollfd::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::Stat;
use crate::errno::{Refusal, SysResult};
use crate::platform_interface::{Platform, Stream};
use crate::subsystems::open_file::{File, OpenFile};
use crate::subsystems::standard_streams::standard_stream_stat;
use alloc::boxed::Box;
use alloc::rc::Rc;

/// The other end of these pipes is outside.
const OTHER_DIRECTION: Refusal = Refusal::Unsupported("opening a standard stream for the other direction");

/// Standard input.
struct Input;

impl File for Input {
    fn read(&self, platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        Ok(platform.read_input(into))
    }

    fn stat(&self) -> Stat {
        standard_stream_stat(0)
    }

    fn ready(&self) -> u16 {
        POLLIN | POLLRDNORM
    }

    fn pipe_bytes(&self, wanted_bytes: Option<u32>) -> SysResult {
        pipe_bytes(wanted_bytes)
    }

    fn open_again(&self, flags: u32) -> Result<Box<dyn File>, Refusal> {
        if flags & O_ACCMODE == O_RDONLY { Ok(Box::new(Input)) } else { Err(OTHER_DIRECTION) }
    }
}

/// Standard output (1) or error (2): its number is its type, so that no memory holds it.
struct Output<const NUMBER: u32>;

impl<const NUMBER: u32> File for Output<NUMBER> {
    fn write(&self, platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        platform.write_console(stream(NUMBER), from);
        Ok(from.len())
    }

    fn stat(&self) -> Stat {
        standard_stream_stat(NUMBER)
    }

    fn ready(&self) -> u16 {
        POLLOUT | POLLWRNORM
    }

    fn pipe_bytes(&self, wanted_bytes: Option<u32>) -> SysResult {
        pipe_bytes(wanted_bytes)
    }

    fn open_again(&self, flags: u32) -> Result<Box<dyn File>, Refusal> {
        if flags & O_ACCMODE == O_WRONLY { Ok(Box::new(Output::<NUMBER>)) } else { Err(OTHER_DIRECTION) }
    }

    fn stream(&self) -> Option<Stream> {
        Some(stream(NUMBER))
    }
}

/// What these pipes hold nobody here sees.
fn pipe_bytes(wanted_bytes: Option<u32>) -> SysResult {
    const DEFAULT_BYTES: usize = 65536;
    if wanted_bytes.is_none() {
        Ok(DEFAULT_BYTES)
    } else {
        Err(Refusal::Unsupported("F_SETPIPE_SZ of a standard stream"))
    }
}

/// The stream of descriptor 1, or else 2.
const fn stream(number: u32) -> Stream {
    if number == 1 { Stream::Output } else { Stream::Error }
}

/// Opens standard input.
pub fn open_input() -> Rc<OpenFile> {
    OpenFile::new(Box::new(Input), O_RDONLY)
}

/// Opens standard output or error.
pub fn open_output(stream: Stream) -> Rc<OpenFile> {
    let file: Box<dyn File> = match stream {
        Stream::Output => Box::new(Output::<1>),
        Stream::Error => Box::new(Output::<2>),
    };
    OpenFile::new(file, O_WRONLY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakePlatform;

    #[test]
    fn bytes_go_through() {
        let mut platform = FakePlatform::with_input(b"in");
        assert_eq!(open_output(Stream::Error).file.write(&mut platform, 7, b"text"), Ok(4));
        assert_eq!(platform.error, b"text");
        let mut buffer = [0; 4];
        assert_eq!(open_input().file.read(&mut platform, 7, &mut buffer), Ok(2));
        assert_eq!(&buffer, b"in\0\0");
        assert!(open_input().file.write(&mut platform, 0, b"x").is_err());
    }
}
