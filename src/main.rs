//! The `efface` binary: reads the arguments, runs one command, ends with its exit code.

fn main() -> std::process::ExitCode {
    efface::cli::main()
}
