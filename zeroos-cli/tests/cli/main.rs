//! The command line as a user meets it: exit statuses, what is said and where, which files are written.
#![allow(clippy::unwrap_used)] // what fails here fails the test

#[path = "../tool/mod.rs"]
mod tool;

mod bad_input;
mod build;
mod commands;
mod copy_out;
mod explain;
mod input_output;
mod manifest;
mod messages;
mod new_platform;
mod project_file;
mod run;
