//! Every error code with its explanation.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// For example `ZOS-E0101`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What leads to it and what to do, some sentences.
    pub explanation: &'static str,
}

/// All codes, ascending. The hundreds digit is the stage: 1 reading, 2 analysis, 3 platform, 4 catalog, 5 plan,
/// 6 source and compile, 7 image and verify, 8 run, 9 project files.
pub const CODES: &[Code] = &[];
