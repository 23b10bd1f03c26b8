//! Who can reach a server, and whether what it is given is enough for them: keys, certificates and addresses.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::server::access::{Access, KeyFile};
use crate::server::config::ServerConfig;
use crate::server::spans;
use crate::server::transport::{Listener, Listening, Tls};

/// Looks at what a server would be given, without starting it: its keys, certificates and addresses.
///
/// # Errors
///
/// As [`serve`](crate::server::serve), but for the data folder.
pub fn check(config: &ServerConfig) -> Result<()> {
    key_file(config).read()?;
    config.tls.clone().map(Tls::open).transpose()?;
    spans::check(config.traces.as_deref())?;
    check_metrics(config)
}

/// Who may call, and who the server says it is; refused where that is not enough for those who can reach it.
pub(super) fn prove(
    config: &ServerConfig,
    listeners: &[Listener],
) -> Result<(Arc<Access>, Option<Arc<Tls>>)> {
    let access = Access::open(key_file(config), config.audit_log.clone())?;
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    if !config.insecure_listen {
        for listener in listeners {
            check_reach(listener, &access, tls.as_deref())?;
        }
    }
    Ok((access, tls))
}

fn key_file(config: &ServerConfig) -> KeyFile {
    config.keys.as_ref().map_or_else(|| KeyFile::of_folder(&config.data), KeyFile::at)
}

/// Metrics are asked for on this machine, as they need no key.
fn check_metrics(config: &ServerConfig) -> Result<()> {
    let Some(address) = config.metrics_listen else { return Ok(()) };
    let may = config.insecure_metrics_listen || config.insecure_listen;
    if !address.ip().to_canonical().is_loopback() && !may {
        let problem = "they need no key and travel in the clear; take an address of this machine, \
                       such as 127.0.0.1:9464, or say --insecure-metrics-listen";
        return Err(Error::invalid(format!("metrics at {address}"), problem));
    }
    Ok(())
}

pub(super) async fn metrics_listener(config: &ServerConfig) -> Result<Option<TcpListener>> {
    check_metrics(config)?;
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let wrong =
        |error: std::io::Error| Error::invalid(format!("metrics at {address}"), error.to_string());
    TcpListener::bind(address).await.map(Some).map_err(wrong)
}

/// Refuses to serve other machines where everybody on the network could read and write, or listen.
fn check_reach(listener: &Listener, access: &Access, tls: Option<&Tls>) -> Result<()> {
    let address = match listener.listening().map_err(Error::disk)? {
        Listening::Tcp(address) => address,
        // The mode of its file says who may call.
        Listening::Unix(_) => return Ok(()),
    };
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let problem = if access.is_open() && !tls.is_some_and(Tls::proves_callers) {
        "everybody who reaches it could read and write; make a key with `wordspace key make`"
    } else if tls.is_none() {
        "keys and answers would travel in the clear; say --tls-cert and --tls-key"
    } else {
        return Ok(());
    };
    let problem = format!("{problem}, or say --insecure-listen");
    Err(Error::invalid(format!("listening at {address}"), problem))
}
