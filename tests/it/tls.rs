//! What the stories about TLS share: certificates, and callers that greet a server by hand.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wordspace::server::{ServerConfig, TlsFiles};

use crate::support::{Server, root};

/// A file of certificates.
pub(crate) fn file(name: &str) -> PathBuf {
    root().join("tests/data/tls").join(name)
}

/// A certificate and its key.
pub(crate) fn files(name: &str) -> TlsFiles {
    let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
    TlsFiles { certificate, key, client_ca: None }
}

/// Calls over TLS.
pub(crate) fn secure(config: ServerConfig) -> ServerConfig {
    ServerConfig { tls: Some(files("server")), ..config }
}

/// Greets a server, and takes whatever certificate comes of the authority.
pub(crate) async fn greet(address: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What a caller speaks over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to a server, greeted if calls come over TLS.
pub(crate) async fn connect(server: &Server) -> std::io::Result<Box<dyn Stream>> {
    let (scheme, address) = server.url.split_once("://").unwrap();
    Ok(match scheme {
        "https" => Box::new(greet(address).await?),
        _ => Box::new(TcpStream::connect(address).await?),
    })
}
