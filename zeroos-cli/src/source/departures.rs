//! The part of the generated root by which the kernel is left otherwise than by returning from a call: another thread, a
//! timer, a signal handler, a fault.

use kernel_fragments::boot_info::EXPORTED_SYMBOL;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::root::call;
use crate::catalog::Moment;
use crate::plan::{Plan, choose_symbol};
use crate::platform::EcallBehaviour;

/// The program has ended with `status`: what stops the machine. `kernel` is how the place that it is written to gets at the kernel.
pub(super) fn exit(plan: &Plan, kernel: TokenStream) -> TokenStream {
    match plan.selection.hooks(Moment::Exit).first() {
        Some(_) => quote! { end(status) },
        None => quote! { #kernel.platform.exit(status) },
    }
}

/// The function that hands out files before it stops the machine; nothing in a kernel that hands out none.
pub(super) fn end(plan: &Plan) -> Option<TokenStream> {
    let (module, hook) = plan.selection.hooks(Moment::Exit).first()?;
    let call = call(module, &hook.function, &hook.parameters);
    let symbol = Ident::new(EXPORTED_SYMBOL, Span::call_site());
    Some(quote! {
        /// Where the engine finds what is handed out.
        #[unsafe(no_mangle)]
        static mut #symbol: boot_info::Table = boot_info::Table { address: 0, count: 0 };

        /// The program has ended: what it wrote is handed out, and the machine stops.
        #[cold]
        #[inline(never)]
        fn end(status: i32) -> ! {
            let (kernel, boot) = (kernel(), boot_info());
            let table = #call;
            // SAFETY: nothing in the kernel reads or borrows it; the engine does, when the machine has stopped.
            unsafe { (&raw mut #symbol).write_volatile(table) };
            kernel.platform.exit(status)
        }
    })
}

/// The functions that choose who goes on when a thread may not.
pub(super) fn leave(plan: &Plan) -> TokenStream {
    let alarms = alarms(plan).unwrap_or_else(|| quote! { None => deadlock(thread.frame.x[17]), });
    let goes_on = goes_on(plan, quote! { next });
    let exchanges = plan.selection.hooks(Moment::Exchange).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            if let Some(next) = #call {
                return #goes_on;
            }
        }
    });
    let switches = plan.selection.hooks(Moment::Switch).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            match #call {
                Some(chosen) => next = chosen,
                #alarms
            }
        }
    });
    let deliver = deliver(plan);
    let fault = has_faults(plan).then(|| {
        quote! {
            if how == thread::LEAVE_FAULT {
                return fault(thread);
            }
        }
    });
    quote! {
        /// The run ends: after `call` nobody can ever go on.
        #[cold]
        #[inline(never)]
        fn deadlock(call: u64) -> ! {
            report::stopped(&mut kernel().platform, boot_info(), call, program_counter(), stop::Stop::Deadlock)
        }

        /// What `Thread::leave` says.
        fn way_out(how: u64) -> Leave {
            match how {
                thread::LEAVE_GONE => Leave::Gone,
                thread::LEAVE_WAIT => Leave::Wait,
                thread::LEAVE_YIELD => Leave::Yield,
                thread::LEAVE_RETRY => Leave::Retry,
                thread::LEAVE_RESUME => Leave::Resume,
                _ => Leave::Restored,
            }
        }

        /// Called by the assembly with a thread whose frame is whole; the thread that goes on.
        #[unsafe(no_mangle)]
        #[allow(unused_variables)]
        extern "C" fn zeroos_leave(caller: *mut Thread) -> core::ptr::NonNull<Thread> {
            let (kernel, boot) = (kernel(), boot_info());
            // SAFETY: the assembly passes the running thread; nobody else holds it.
            let thread = unsafe { &mut *caller };
            let how = core::mem::take(&mut thread.leave);
            let leave = way_out(how);
            // Who was put into a row is not touched any more.
            #(#exchanges)*
            leave_slowly(caller, how)
        }

        /// The same, for everything that may happen meanwhile.
        #[inline(never)]
        #[allow(unused_variables, unused_assignments)]
        extern "C" fn leave_slowly(caller: *mut Thread, how: u64) -> core::ptr::NonNull<Thread> {
            let (kernel, boot) = (kernel(), boot_info());
            // SAFETY: `zeroos_leave` hands on what it was given.
            let thread = unsafe { &mut *caller };
            #fault
            let leave = way_out(how);
            let mut next = core::ptr::NonNull::from(&mut *thread);
            if leave != Leave::Restored {
                #(#switches)*
            }
            #goes_on
        }

        #deliver
    }
}

/// The function that delivers signals to who goes on; nothing in a kernel without handlers.
fn deliver(plan: &Plan) -> Option<TokenStream> {
    let exit = exit(plan, quote! { kernel });
    let deliveries = plan.selection.hooks(Moment::Deliver).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            match #call {
                Ok(Leave::Exit(status)) => #exit,
                Err(Refusal::Unsupported(what)) => {
                    let stop = stop::Stop::Unsupported(what);
                    report::stopped(&mut kernel.platform, boot, 0, thread.frame.x[0], stop)
                }
                Ok(_) | Err(Refusal::Errno(_)) => {}
            }
        }
    });
    has_deliveries(plan).then(|| {
        quote! {
            /// The thread that goes on, after the signals that it does not block were delivered.
            #[allow(unused_variables)]
            fn delivered(mut next: core::ptr::NonNull<Thread>) -> core::ptr::NonNull<Thread> {
                let (kernel, boot) = (kernel(), boot_info());
                // SAFETY: it is the running thread, or one that the scheduler has just given up to us.
                let thread = unsafe { next.as_mut() };
                #(#deliveries)*
                next
            }
        }
    })
}

/// Whether signals may be delivered to handlers.
fn has_deliveries(plan: &Plan) -> bool {
    !plan.selection.hooks(Moment::Deliver).is_empty()
}

/// `next`, to which signals were delivered, if there may be any.
fn goes_on(plan: &Plan, next: TokenStream) -> TokenStream {
    if has_deliveries(plan) {
        quote! { delivered(#next) }
    } else {
        next
    }
}

/// The functions that stubs ask who goes on in the caller's place.
pub(super) fn turns(plan: &Plan) -> TokenStream {
    let handlers = plan.selection.handlers.iter().filter(|_| plan.platform.has_trap_csrs());
    let turns = handlers.filter_map(|(&number, (module, handler))| {
        let (function, parameters) = handler.turn.as_ref()?;
        let name = Ident::new(&choose_symbol(number), Span::call_site());
        let call = call(module, function, parameters);
        let goes_on = goes_on(plan, quote! { next });
        let documentation = format!(
            " Called by the assembly with a thread whose frame is whole and who makes syscall {}, {number}: the thread that goes on",
            number.0
        );
        Some(quote! {
            #[doc = #documentation]
            #[doc = " in its place, or `None` for what the call's own function is to do."]
            #[unsafe(no_mangle)]
            #[allow(unused_variables)]
            extern "C" fn #name(thread: *mut Thread) -> Option<core::ptr::NonNull<Thread>> {
                let (kernel, boot) = (kernel(), boot_info());
                // SAFETY: the assembly passes the running thread; nobody else holds it.
                let thread = unsafe { &mut *thread };
                let next = #call?;
                Some(#goes_on)
            }
        })
    });
    quote! { #(#turns)* }
}

/// The arm that serves timers until a thread can be chosen; nothing in a kernel without timers that send signals.
fn alarms(plan: &Plan) -> Option<TokenStream> {
    let (choose_module, choose) = plan.selection.hooks(Moment::Choose).first()?;
    let (module, serve) = plan.selection.hooks(Moment::Alarm).first()?;
    let choose = call(choose_module, &choose.function, &choose.parameters);
    let serve = call(module, &serve.function, &serve.parameters);
    let exit = exit(plan, quote! { kernel });
    Some(quote! {
        // The calling thread is parked, or gone: it is not touched any more.
        None => loop {
            match #serve {
                Ok(Leave::Exit(status)) => #exit,
                Err(Refusal::Unsupported(what)) => {
                    let stop = stop::Stop::Unsupported(what);
                    report::stopped(&mut kernel.platform, boot, 0, program_counter(), stop)
                }
                Ok(Leave::Return(1..)) => {}
                _ => deadlock(0),
            }
            if let Some(chosen) = #choose {
                next = chosen;
                break;
            }
        },
    })
}

/// Whether faults of the program may be signals.
fn has_faults(plan: &Plan) -> bool {
    !plan.selection.hooks(Moment::Fault).is_empty() && plan.platform.ecall == EcallBehaviour::Mtvec
}

/// The function that finds how a thread goes on, where there are no CSRs to load all registers and jump.
pub(super) fn continuation(plan: &Plan) -> TokenStream {
    let signals = plan.selection.states.iter().any(|state| state.name == "Signals");
    let handler = signals.then(|| quote! { None if kernel().signals.is_handler(pc) => frame.enter(pc), });
    quote! {
        /// Called by the assembly where the frame of `thread` does not go on at the place that its continuation is for.
        #[unsafe(no_mangle)]
        extern "C" fn zeroos_find_continuation(thread: *mut Thread) {
            // SAFETY: the assembly passes the running thread; nobody else holds it.
            let frame = unsafe { &mut (*thread).frame };
            let pc = frame.x[thread::PC];
            match subsystems::image_data::continuation(boot_info(), pc) {
                Some(code) => (frame.continuation, frame.continues_at) = (code, pc),
                #handler
                None => refuse(0, "a signal handler that has the program go on where it made no call"),
            }
        }
    }
}

/// The function for a trap that is no `ecall`; nothing where none arrives.
pub(super) fn fault(plan: &Plan) -> TokenStream {
    if !plan.platform.has_trap_csrs() {
        return TokenStream::new();
    }
    let report = match plan.placement.page_table {
        Some(_) => quote! { subsystems::page_fault_report::fault },
        None => quote! { report::fault },
    };
    if !has_faults(plan) {
        return quote! {
            /// A trap that is no `ecall`: the run ends.
            #[unsafe(no_mangle)]
            extern "C" fn zeroos_fault(cause: u64, pc: u64, value: u64) -> ! {
                #report(&mut kernel().platform, boot_info(), cause, pc, value)
            }
        };
    }
    let hooks = plan.selection.hooks(Moment::Fault).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            if let Ok(Leave::Resume) = #call {
                return core::ptr::NonNull::from(thread);
            }
        }
    });
    let letter = plan.privilege().letter();
    let (read_cause, read_value) = (format!("csrr {{}}, {letter}cause"), format!("csrr {{}}, {letter}tval"));
    quote! {
        /// A trap that is no `ecall`, in `thread`, whose frame is complete: it goes on in a handler, or the run ends.
        #[cold]
        #[inline(never)]
        fn fault(thread: &mut Thread) -> core::ptr::NonNull<Thread> {
            let (kernel, boot, pc) = (kernel(), boot_info(), thread.frame.x[0]);
            let (a0, a1): (u64, u64);
            // SAFETY: reading these registers has no effect.
            unsafe {
                core::arch::asm!(#read_cause, #read_value, out(reg) a0, out(reg) a1, options(nomem, nostack));
            }
            if !boot.kernel_code.holds(pc as usize, 1) {
                #(#hooks)*
            }
            #report(&mut kernel.platform, boot, a0, pc, a1)
        }
    }
}
