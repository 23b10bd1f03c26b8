//! `Tls`: the certificates that connections are proven with, read again when their files change.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::error::{Error, Result};
use crate::limits;
use crate::server::access::now;
use crate::server::transport::certificate::Certificate;

/// What callers may speak above TLS.
const SPOKEN: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// A certificate that is valid for less is told in the log.
const SOON_SECONDS: u64 = 14 * 24 * 60 * 60;

/// The files of a server's certificates, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Its certificate, and behind it those that lead to an authority.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The authorities of clients: whoever has no certificate of theirs is refused. None: nobody needs one.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    /// Every file.
    pub(in crate::server) fn paths(&self) -> Vec<PathBuf> {
        let own = [&self.certificate, &self.key];
        own.into_iter().chain(&self.client_ca).cloned().collect()
    }

    fn read(&self) -> Result<Shown> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&self.certificate)?;
        let problem = |problem: &dyn std::fmt::Display| wrong(&self.key, &problem.to_string());
        let key = read(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| wrong(&self.key, "it holds no private key in PEM"))?;
        let valid_until = chain.first().and_then(|first| Certificate::read(first).not_after);
        let versions = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| problem(&error))?;
        let clients = match &self.client_ca {
            Some(path) => {
                let verifier = clients_of(path, provider)?;
                versions.with_client_cert_verifier(verifier)
            }
            None => versions.with_no_client_auth(),
        };
        let mut config = clients.with_single_cert(chain, key).map_err(|error| problem(&error))?;
        config.alpn_protocols = SPOKEN.iter().map(|protocol| protocol.to_vec()).collect();
        tell_validity(valid_until);
        Ok(Shown { config: Arc::new(config), valid_until: valid_until.unwrap_or(0) })
    }
}

/// What callers are shown.
#[derive(Debug)]
struct Shown {
    config: Arc<ServerConfig>,
    /// Seconds since 1970 until which the certificate is valid; 0 if that cannot be read.
    valid_until: u64,
}

/// Proves the certificates of clients.
fn clients_of(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn tokio_rustls::rustls::server::danger::ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| wrong(path, &error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| wrong(path, &error.to_string()))
}

/// A certificate that nobody renewed is told before it is too late, and a server with one that has expired
/// still answers those who look no closer.
fn tell_validity(until: Option<u64>) {
    let Some(until) = until else { return };
    let left = until.saturating_sub(now());
    if left < SOON_SECONDS {
        tracing::warn!(days = left / 86_400, "the certificate expires soon, or has expired");
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = read(path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| wrong(path, &error.to_string()))?;
    if all.is_empty() {
        return Err(wrong(path, "it holds no certificate in PEM"));
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let max = limits::TLS_FILE_BYTES_MAX;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max + 1).read_to_end(&mut bytes))
        .map_err(|error| wrong(path, &error.to_string()))?;
    if bytes.len() as u64 > max {
        return Err(wrong(path, &format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}

fn wrong(path: &Path, problem: &str) -> Error {
    Error::invalid(path.display().to_string(), problem)
}

/// Proves who a server is, and if it asks for that, who its callers are.
#[derive(Debug)]
pub(in crate::server) struct Tls {
    files: TlsFiles,
    shown: RwLock<Shown>,
}

impl Tls {
    /// Reads the files.
    pub(in crate::server) fn open(files: TlsFiles) -> Result<Arc<Self>> {
        let shown = RwLock::new(files.read()?);
        Ok(Arc::new(Self { files, shown }))
    }

    /// Seconds since 1970 until which the certificate is valid; 0 if that cannot be read.
    pub(in crate::server) fn valid_until(&self) -> u64 {
        self.shown.read().valid_until
    }

    /// Whether callers need certificates.
    pub(in crate::server) fn proves_callers(&self) -> bool {
        self.files.client_ca.is_some()
    }

    /// Every file.
    pub(in crate::server) fn paths(&self) -> Vec<PathBuf> {
        self.files.paths()
    }

    /// Reads the files again, for the connections to come. What cannot be read changes nothing.
    pub(in crate::server) fn reload(&self) {
        match self.files.read() {
            Ok(shown) => {
                *self.shown.write() = shown;
                tracing::info!("the certificates were read again");
            }
            Err(error) => tracing::error!(%error, "the certificates stay as they were"),
        }
    }

    /// Greets a caller; none if it is none of TLS, or not proven. Takes as long as the caller does.
    pub(super) async fn greet(&self, stream: TcpStream) -> Option<Proven> {
        let config = Arc::clone(&self.shown.read().config);
        match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => {
                let chain = stream.get_ref().1.peer_certificates();
                let first = chain.and_then(<[_]>::first);
                let names = first.map(|first| Certificate::read(first).names);
                Some(Proven { stream, names: names.unwrap_or_default() })
            }
            Err(error) => {
                tracing::debug!(%error, "a caller was not greeted");
                None
            }
        }
    }
}

/// A connection whose caller is proven, as far as the server asks for that.
pub(super) struct Proven {
    pub(super) stream: TlsStream<TcpStream>,
    /// The names in its certificate.
    pub(super) names: Vec<String>,
}
