//! Placeholder.
use std::future::Future;
use std::path::PathBuf;

/// Placeholder.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Placeholder.
    pub data: PathBuf,
    /// Placeholder.
    pub index_threads: usize,
}

/// Placeholder.
///
/// # Errors
///
/// Never.
pub async fn serve(
    config: ServerConfig,
    listener: tokio::net::TcpListener,
    shutdown: impl Future<Output = ()>,
) -> crate::error::Result<()> {
    let _ = (config, listener);
    shutdown.await;
    Ok(())
}
