//! The `partscope` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    partscope::cli::main()
}
