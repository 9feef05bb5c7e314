//! `casebook mock`: the mock service by itself.

use std::net::SocketAddr;

use super::args::MockArgs;
use super::{Failure, files};
use crate::mock::seed::Seed;
use crate::mock::server::{Mock, MockOptions};
use crate::model::verdict::Exit;

pub(super) fn mock(args: &MockArgs) -> Result<Exit, Failure> {
    let seed = match &args.seed {
        None => Seed::embedded(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))?;
            Seed::from_toml(&text)
        }
    };
    let seed = seed.map_err(|error| Failure::new(Exit::Usage, files::chain(&error)))?;
    let options = MockOptions { addr: SocketAddr::from((args.host, args.port)), seed, departures: Vec::new() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Harness, format!("the runtime cannot be built: {error}")))?;
    runtime.block_on(serve(options))
}

async fn serve(options: MockOptions) -> Result<Exit, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let address = options.addr;
    let failed = |error: std::io::Error| Failure::new(Exit::Harness, format!("{address}: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mock = Mock::start(options).await.map_err(failed)?;
    files::print(&format!("listening on {}\n", mock.base_url()))?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    mock.stop().await;
    Ok(Exit::Conformant)
}
