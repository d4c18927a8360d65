//! The part of the generated root by which a call makes a thread quickly: assembly adds to its frame what is in the hart.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::root::ident;

/// The function that is asked first for a call that makes a thread: assembly completes the frame of the thread that it gives.
pub(super) fn maker(documentation: &str, name: &str, kept: &Ident, call: &TokenStream) -> TokenStream {
    let (name, made) = (ident(name), ident(&format!("{name}_made")));
    quote! {
        /// What becomes of a0, and the new thread, to whose frame assembly adds what is in the hart; null if there is none.
        #[repr(C)]
        #[allow(non_camel_case_types)]
        struct #made(u64, *mut Thread);

        unsafe extern "C" {
            /// The general function, with all registers but a0 and a1 kept; a1 becomes 0.
            fn #kept(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, thread: *mut Thread) -> #made;
        }

        #[doc = #documentation]
        #[unsafe(no_mangle)]
        #[allow(clippy::too_many_arguments, unused_variables)]
        extern "C" fn #name(a0: u64, a1: u64, a2: u64, a3: u64, a4: u64, a5: u64, caller: *mut Thread) -> #made {
            let (kernel, boot) = (kernel(), boot_info());
            // SAFETY: the caller passes the running thread; nobody else holds it.
            let thread = unsafe { &mut *caller };
            match #call {
                Some((tid, made)) => #made(u64::from(tid), made.as_ptr()),
                // SAFETY: it hands everything on to the general function, which asks for nothing more than this one.
                None => unsafe { #kept(a0, a1, a2, a3, a4, a5, caller) },
            }
        }
    }
}
