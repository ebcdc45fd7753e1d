//! Tools for agents over the Model Context Protocol, on standard input and output.
//!
//! Every call runs this program in a child process, so that a call has a time limit, can be cancelled, and gives the
//! numbers of the command line. Agents choose among many components, and the best of many on the test labels is lucky:
//! every answer says how many examples it rests on, what its intervals are, how multiple tests were adjusted, and whether
//! test labels were seen; ranking on test labels must be asked for.

mod answer;
mod arguments;
mod calls;
mod child;
mod folders;
mod limits;
mod server;
mod tools;

pub(crate) use folders::Folders;
pub(crate) use limits::Limits;
pub(crate) use server::serve;
