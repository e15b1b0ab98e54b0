//! The real server as a process and as seen from the wire. Each test has a server of its own.

mod bad_input;
mod disk;
mod history;
mod process;
mod races;
