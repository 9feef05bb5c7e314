//! Every case of `cases/` as a test of its own.

fn main() -> std::process::ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
    let url = runtime.block_on(notes::serve()).expect("the service starts");
    casebook::harness::Harness::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")).base_url(&url).from_env().main()
}
