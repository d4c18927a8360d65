//! The part of the generated root by which the kernel is left otherwise than by returning from a call: another thread, a
//! timer, a signal handler, a fault.

use proc_macro2::TokenStream;
use quote::quote;

use super::root::call;
use crate::catalog::Moment;
use crate::plan::Plan;
use crate::platform::EcallBehaviour;

/// The function that chooses who goes on when a thread may not.
pub(super) fn leave(plan: &Plan) -> TokenStream {
    let alarms = alarms(plan);
    let switches = plan.selection.hooks(Moment::Switch).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            match #call {
                Ok(chosen) => next = chosen,
                #alarms
                Err(stop) => {
                    let call = thread.frame.x[17];
                    report::stopped(&mut kernel.platform, boot, call, program_counter(), stop)
                }
            }
        }
    });
    let deliveries = plan.selection.hooks(Moment::Deliver).iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            match #call {
                Ok(Leave::Exit(status)) => kernel.platform.exit(status),
                Err(Refusal::Unsupported(what)) => {
                    let stop = stop::Stop::Unsupported(what);
                    report::stopped(&mut kernel.platform, boot, 0, thread.frame.x[0], stop)
                }
                Ok(_) | Err(Refusal::Errno(_)) => {}
            }
        }
    });
    quote! {
        /// Called by the assembly with a thread whose frame is whole; the thread whose frame is to be loaded.
        #[unsafe(no_mangle)]
        #[allow(unused_variables, unused_assignments)]
        extern "C" fn zeroos_leave(thread: *mut Thread) -> core::ptr::NonNull<Thread> {
            let (kernel, boot) = (kernel(), boot_info());
            // SAFETY: the assembly passes the running thread; nobody else holds it.
            let thread = unsafe { &mut *thread };
            let leave = match core::mem::take(&mut thread.leave) {
                thread::LEAVE_RESCHEDULE => Leave::Reschedule,
                thread::LEAVE_RESUME => Leave::Resume,
                _ => Leave::Restored,
            };
            let mut next = core::ptr::NonNull::from(&mut *thread);
            if leave != Leave::Restored {
                #(#switches)*
            }
            // SAFETY: the chosen thread is this one, or one that the scheduler has just given up to us.
            let thread = unsafe { next.as_mut() };
            #(#deliveries)*
            next
        }
    }
}

/// The arm that serves timers until a thread can be chosen; nothing in a kernel without timers that send signals.
fn alarms(plan: &Plan) -> Option<TokenStream> {
    let hooks = plan.selection.hooks(Moment::Alarm);
    let (module, choose) = plan.selection.hooks(Moment::Choose).first()?;
    let choose = call(module, &choose.function, &choose.parameters);
    let serve = hooks.iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            match #call {
                Ok(Leave::Exit(status)) => kernel.platform.exit(status),
                Err(Refusal::Unsupported(what)) => {
                    let stop = stop::Stop::Unsupported(what);
                    report::stopped(&mut kernel.platform, boot, 0, program_counter(), stop)
                }
                Ok(_) | Err(Refusal::Errno(_)) => {}
            }
        }
    });
    (!hooks.is_empty()).then(|| {
        quote! {
            // The calling thread is parked, or gone: it is not touched any more.
            Err(stop::Stop::Alarm) => loop {
                #(#serve)*
                match #choose {
                    Ok(chosen) => {
                        next = chosen;
                        break;
                    }
                    Err(stop::Stop::Alarm) => {}
                    Err(stop) => report::stopped(&mut kernel.platform, boot, 0, program_counter(), stop),
                }
            },
        }
    })
}

/// The function that the assembly calls for a trap that is no `ecall`.
pub(super) fn fault(plan: &Plan) -> TokenStream {
    let hooks = plan.selection.hooks(Moment::Fault);
    if hooks.is_empty() || plan.platform.ecall != EcallBehaviour::Mtvec {
        return quote! {
            /// A trap that is no `ecall`: the run ends.
            #[unsafe(no_mangle)]
            extern "C" fn zeroos_fault(cause: u64, pc: u64, value: u64) -> ! {
                report::fault(&mut kernel().platform, boot_info(), cause, pc, value)
            }
        };
    }
    let hooks = hooks.iter().map(|(module, hook)| {
        let call = call(module, &hook.function, &hook.parameters);
        quote! {
            if let Ok(Leave::Resume) = #call {
                return core::ptr::NonNull::from(thread);
            }
        }
    });
    quote! {
        /// A trap that is no `ecall`, in `thread`, whose frame is complete: it goes on in a handler, or the run ends.
        #[unsafe(no_mangle)]
        extern "C" fn zeroos_fault(cause: u64, pc: u64, value: u64, thread: *mut Thread) -> core::ptr::NonNull<Thread> {
            let (kernel, boot) = (kernel(), boot_info());
            if !boot.kernel_code.holds(pc as usize, 1) {
                // SAFETY: the program failed, so this is the running thread; nobody else holds it.
                let thread = unsafe { &mut *thread };
                let (a0, a1) = (cause, value);
                #(#hooks)*
            }
            report::fault(&mut kernel.platform, boot, cause, pc, value)
        }
    }
}
