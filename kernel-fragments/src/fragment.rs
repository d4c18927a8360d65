//! The declarations by which a file says what it provides. They expand to (almost) nothing: the generator reads them
//! from the source.

/// `syscall!(64 => write);` — this file implements Linux/riscv64 call 64 by its function `write`.
///
/// The function's signature is its manifest: a `&mut T` parameter is kernel state and pulls in the subsystem that
/// defines `T`; `&mut impl UserMemory` is the program's memory, `&mut impl Platform` the machine, `&mut Thread` the
/// calling thread, `&Thread` the same with its frame complete, `&BootInfo` what was decided at build time; every other parameter is the next of a0…a5, converted by
/// `FromRegister`. It returns `SysResult`, or `Outcome` where control may leave the calling thread.
///
/// `syscall!(98 => futex, single_thread);` declares the variant that is chosen when no thread can ever be created.
#[macro_export]
macro_rules! syscall {
    ($number:literal => $function:ident $(, $variant:ident)?) => {
        /// The Linux/riscv64 number of this call.
        pub const NUMBER: u64 = $number;
        const _: () = {
            #[allow(unused_imports)]
            use $function as _;
        };
    };
}

/// `quick!(wake_nobody);` — this function is asked before the handler of this file: it does the most frequent case of the
/// call in a few instructions and returns its result, or does nothing and returns `None`. Parameters as for `syscall!`;
/// it returns `Option<SysResult>`, or `Option<Outcome>` if the handler returns `Outcome`. Where the handler takes `&Thread`, it makes
/// a thread and returns `Option<(u32, NonNull<Thread>)>`: the id, and whose frame still lacks pc, gp and callee-saved registers;
/// of the caller's frame it sees caller-saved registers. It should call nothing, so that it needs no stack frame.
#[macro_export]
macro_rules! quick {
    ($function:ident) => {
        const _: () = {
            #[allow(unused_imports)]
            use $function as _;
        };
    };
}

/// `turn!(take_turns);` — this function is asked before the handler of this file where a stub makes the call: it puts the
/// calling thread, whose frame is complete, where it belongs and returns the one that goes on in its place, or does nothing
/// and returns `None`. Parameters as for `hook!`; it returns `Option<NonNull<Thread>>`.
#[macro_export]
macro_rules! turn {
    ($function:ident) => {
        const _: () = {
            #[allow(unused_imports)]
            use $function as _;
        };
    };
}

/// `hook!(boot => start);` — the generated kernel calls this file's function `start` at a fixed moment whenever the
/// file is part of the kernel. Parameters as for `syscall!`, without register arguments.
///
/// * `boot`: once, before the program's first instruction.
/// * `switch`: the calling thread leaves by anything but `Leave::Restored`; its frame is complete. Takes `leave: Leave` first,
///   returns `Option<NonNull<Thread>>`: the thread to go on with, if there is one.
/// * `exchange`: right before `switch`, the same; but what is not soon done is left to `switch`, by `None`.
/// * `alarm`: nobody can run, perhaps only until a timer is served; no thread is on the hart. Returns `Outcome`: the number of
///   timers that were served, or `Exit` to end the run.
/// * `choose`: after that, as `switch` without a calling thread.
/// * `deliver`: a complete frame is about to be loaded. Returns `Result<Leave, Refusal>`: `Resume`, or `Exit`.
/// * `fault`: the program's instruction met an exception; the frame is complete, its pc the instruction. Takes the cause and
///   the trap value as registers. Returns `Outcome`: `Resume` to load the frame, anything else to end the run.
/// * `exit`: the program has ended, and the machine is about to be stopped. Returns the `Table` of what it hands out; one file
///   of a kernel may want this moment.
#[macro_export]
macro_rules! hook {
    ($moment:ident => $function:ident) => {
        const _: () = {
            #[allow(unused_imports)]
            use $function as _;
        };
    };
}
