//! The `partscope` binary; all code is in the library.

fn main() -> std::process::ExitCode {
    partscope::cli::main()
}
