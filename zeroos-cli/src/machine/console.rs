//! Where the devices' output goes and their input comes from.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};

/// An output stream of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Standard output; also the UART and the HTIF console.
    Output,
    /// Standard error.
    Error,
    /// The run's public output.
    Public,
}

/// The host's end of the devices.
pub trait Console {
    /// Takes all of `bytes`.
    fn write(&mut self, stream: Stream, bytes: &[u8]);

    /// Fills the front of `buffer` with input and says how much; waits for at least one byte, 0 is the end of input.
    fn read(&mut self, buffer: &mut [u8]) -> usize;
}

/// What takes the place of the tool's own standard streams.
#[derive(Debug, Default)]
pub struct Streams {
    /// The run's input, instead of standard input.
    pub input: Option<Vec<u8>>,
    /// Where public output goes, instead of standard output.
    pub public_output: Option<File>,
}

/// The tool's own standard streams. Output is flushed before input is waited for and when the console is dropped.
#[derive(Default)]
pub struct HostConsole {
    streams: Streams,
    /// How much of the input was read.
    input_position: usize,
    pending: Vec<u8>,
    failure: Option<io::Error>,
}

/// Bytes kept back before they are written to the host.
const PENDING_BYTES: usize = 8192;

impl HostConsole {
    /// The tool's streams, but for those that `streams` has.
    pub fn new(streams: Streams) -> HostConsole {
        HostConsole { streams, input_position: 0, pending: Vec::new(), failure: None }
    }

    /// Writes out what is pending, and returns the first failure of the host's streams since the last call.
    pub fn finish(&mut self) -> io::Result<()> {
        let mut output = io::stdout().lock();
        let written = output.write_all(&self.pending).and_then(|()| output.flush());
        self.pending.clear();
        self.failure.take().map_or(written, Err)
    }

    fn flush(&mut self) {
        if let Err(failure) = self.finish() {
            self.failure = Some(failure);
        }
    }
}

impl Console for HostConsole {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        match (stream, &mut self.streams.public_output) {
            (Stream::Public, Some(file)) => {
                if let Err(failure) = file.write_all(bytes) {
                    self.failure = Some(failure);
                }
            }
            (Stream::Output | Stream::Public, _) => {
                self.pending.extend_from_slice(bytes);
                if self.pending.len() >= PENDING_BYTES || bytes.contains(&b'\n') {
                    self.flush();
                }
            }
            (Stream::Error, _) => {
                self.flush();
                if let Err(failure) = io::stderr().write_all(bytes) {
                    self.failure = Some(failure);
                }
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.flush();
        if let Some(mut rest) = self.streams.input.as_deref().and_then(|input| input.get(self.input_position..)) {
            let count = rest.read(buffer).unwrap_or(0);
            self.input_position += count;
            return count;
        }
        let mut input = io::stdin().lock();
        let mut count = 0;
        // Whole buffers, however slowly a pipe is filled: what the guest executes must not depend on the host's timing.
        // A person at a terminal is answered line by line.
        while count < buffer.len() {
            match input.read(&mut buffer[count..]) {
                Ok(0) => break,
                Ok(some) => count += some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
            if input.is_terminal() {
                break;
            }
        }
        count
    }
}

impl Drop for HostConsole {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Keeps all output and gives prepared input: for tests and for comparing engines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CapturedConsole {
    /// What was written to [`Stream::Output`].
    pub output: Vec<u8>,
    /// What was written to [`Stream::Error`].
    pub error: Vec<u8>,
    /// What was written to [`Stream::Public`].
    pub public: Vec<u8>,
    /// What is still to be read.
    pub input: Vec<u8>,
}

impl Console for CapturedConsole {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Output => self.output.extend_from_slice(bytes),
            Stream::Error => self.error.extend_from_slice(bytes),
            Stream::Public => self.public.extend_from_slice(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let count = buffer.len().min(self.input.len());
        buffer[..count].copy_from_slice(&self.input[..count]);
        self.input.drain(..count);
        count
    }
}
