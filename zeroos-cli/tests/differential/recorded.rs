//! What Linux answered to all sequences, as `recorded.bin` keeps it: the digest of what was asked (8 bytes, little-endian), then
//! for each sequence the number of its answers (2 bytes), each answer, and the hash of all memory at its end (8 bytes). An answer
//! is a byte: the result in the upper seven bits, or -64 where 8 bytes more have it; the lowest bit says that memory was changed, and
//! that a byte of its hash follows.

/// What the interpreter printed of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    pub result: i64,
    pub memory: u8,
}

/// What it printed of one script.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    pub calls: Vec<Answer>,
    /// The hash of all memory at the end, if it got there.
    pub end: Option<u64>,
}

impl Answers {
    /// Of the interpreter's output.
    pub fn parse(text: &str) -> Option<Answers> {
        let number = |word: &str| u64::from_str_radix(word, 16).ok();
        let mut answers = Answers::default();
        for line in text.lines().map(str::trim) {
            match line.split_once(' ') {
                Some((result, memory)) => answers.calls.push(Answer {
                    result: number(result)?.cast_signed(),
                    memory: u8::try_from(number(memory)?).ok()?,
                }),
                None => answers.end = Some(number(line)?),
            }
        }
        Some(answers)
    }
}

/// In place of a result: it follows.
const LARGE: i8 = -64;

/// The file's bytes for the answers to what has this digest.
#[allow(dead_code, reason = "the one who records writes the file, the test reads it")]
pub fn encode(digest: u64, sequences: &[Answers]) -> Vec<u8> {
    let mut bytes = digest.to_le_bytes().to_vec();
    for answers in sequences {
        bytes.extend((answers.calls.len() as u16).to_le_bytes());
        let mut memory = 0;
        for answer in &answers.calls {
            let is_small = (-63..64).contains(&answer.result);
            let head = if is_small { answer.result as i8 } else { LARGE };
            bytes.push((head << 1).cast_unsigned() | u8::from(answer.memory != memory));
            if !is_small {
                bytes.extend(answer.result.to_le_bytes());
            }
            if answer.memory != memory {
                bytes.push(answer.memory);
            }
            memory = answer.memory;
        }
        bytes.extend(answers.end.unwrap_or_default().to_le_bytes());
    }
    bytes
}

/// The digest, and all sequences; `None` for bytes that are no such file.
pub fn decode(bytes: &[u8]) -> Option<(u64, Vec<Answers>)> {
    let mut rest = bytes;
    let digest = u64::from_le_bytes(take(&mut rest)?);
    let mut sequences = Vec::new();
    while !rest.is_empty() {
        let count = u16::from_le_bytes(take(&mut rest)?);
        let mut answers = Answers::default();
        let mut memory = 0;
        for _ in 0..count {
            let [head] = take(&mut rest)?;
            let result = match head.cast_signed() >> 1 {
                LARGE => i64::from_le_bytes(take(&mut rest)?),
                small => i64::from(small),
            };
            if head & 1 != 0 {
                [memory] = take(&mut rest)?;
            }
            answers.calls.push(Answer { result, memory });
        }
        answers.end = Some(u64::from_le_bytes(take(&mut rest)?));
        sequences.push(answers);
    }
    Some((digest, sequences))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk::<N>()?;
    *rest = behind;
    Some(*first)
}
