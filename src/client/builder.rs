//! `ClientBuilder`: which server a client asks, and who it says it is.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::client::Client;
use crate::client::error::{CallError, Result, innermost};
use crate::client::retry::Patience;
use crate::limits;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call whose server does not answer a ping for so long has lost its connection.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an export that may be under way: wide enough for a fast network.
const WINDOW_BYTES: u32 = 4 << 20;

/// A connection to be made.
///
/// # Examples
///
/// ```
/// use wordspace::client::ClientBuilder;
///
/// fn patient(builder: ClientBuilder) -> ClientBuilder {
///     builder.retries(5).timeout(std::time::Duration::from_secs(30))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    url: String,
    key: Option<Secret>,
    trust: Trust,
    patience: Patience,
}

/// The files by which a client and a server prove to each other who they are, in PEM.
#[derive(Clone, Debug, Default)]
struct Trust {
    /// None: the authorities that this machine trusts.
    ca: Option<PathBuf>,
    /// A certificate, and its private key.
    identity: Option<(PathBuf, PathBuf)>,
}

/// Never shown.
#[derive(Clone)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

impl ClientBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            key: None,
            trust: Trust::default(),
            patience: Patience::default(),
        }
    }

    /// The file of the authorities that may prove the server, in PEM, in place of those that this
    /// machine trusts. It is read when [`ClientBuilder::connect`] is called, and `https://` is meant
    /// where the URL has no scheme.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::Client;
    ///
    /// let client = Client::builder("words.example.org:50051")
    ///     .ca_file("ca.pem")
    ///     .connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.trust.ca = Some(path.into());
        self
    }

    /// The files of a certificate and its private key, in PEM, which prove the client to a server that
    /// asks for that. Likewise.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::Client;
    ///
    /// let client = Client::builder("words.example.org:50051")
    ///     .ca_file("ca.pem")
    ///     .identity_files("app.pem", "app.key")
    ///     .connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn identity_files(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.trust.identity = Some((certificate.into(), key.into()));
        self
    }

    /// The key that every call brings; an empty one is none.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::Client;
    ///
    /// let key = std::env::var("WORDSPACE_KEY").unwrap_or_default();
    /// let client = Client::builder("http://127.0.0.1:50051").api_key(&key).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn api_key(mut self, key: &str) -> Self {
        self.key = (!key.is_empty()).then(|| Secret(key.to_owned()));
        self
    }

    /// How long a unary call may take, its attempts together; the server knows, and stops working at it then.
    /// Without this it takes as long as it takes. Imports, jobs and streams have no deadline.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use std::time::Duration;
    /// use wordspace::client::Client;
    ///
    /// let second = Duration::from_secs(1);
    /// let client = Client::builder("http://127.0.0.1:50051").timeout(second).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.patience.timeout = Some(timeout);
        self
    }

    /// How often a unary call is made again at most, within its timeout. Any call is that the server refused
    /// before it did anything, with `OVERLOADED`, `SHUTTING_DOWN`, `TABLE_BEHIND`, `TABLE_ABSENT` or
    /// `CONCURRENT_WRITE`, after as long as it said, and longer each time; a question is asked again whose connection broke. Default: 0.
    ///
    /// ```no_run
    /// # async fn connect() -> wordspace::client::Result<()> {
    /// use std::time::Duration;
    /// use wordspace::client::Client;
    ///
    /// let client = Client::builder("https://words.example.org")
    ///     .api_key("ws_...")
    ///     .timeout(Duration::from_secs(30))
    ///     .retries(5)
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.patience.retries = retries;
        self
    }

    /// What calls bring as `authorization`.
    #[cfg(feature = "server")]
    pub(super) fn authorization(&self) -> Option<String> {
        self.key.as_ref().map(|Secret(key)| format!("Bearer {key}"))
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`CallError::Address`] if the URL cannot be right, [`CallError::Key`] if the key cannot be, and
    /// [`CallError::Certificate`] if a file cannot; [`CallError::Unreachable`] if nobody answers, or whoever
    /// does is not proven.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::{CallError, Client};
    ///
    /// match Client::builder("unix:/run/wordspace.sock").connect().await {
    ///     Ok(client) => println!("{} answers", client.url()),
    ///     Err(CallError::Unreachable { problem, .. }) => println!("nobody answers: {problem}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(self) -> Result<Client> {
        let builder = self.clone();
        let Self { url, key, trust, patience } = self;
        let scheme = if trust.is_said() { "https" } else { "http" };
        let is_socket = url.starts_with("unix:");
        let is_whole = is_socket || url.contains("://");
        let full = if is_whole { url.clone() } else { format!("{scheme}://{url}") };
        let wrong = |problem: String| CallError::Address { url: url.clone(), problem };
        let endpoint = Endpoint::from_shared(full.clone())
            .map_err(|error| wrong(innermost(&error)))?
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(2 * WINDOW_BYTES)
            .http2_keep_alive_interval(KEEP_ALIVE_TIMEOUT)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        let endpoint = match endpoint.uri().scheme_str() {
            Some(_) if is_socket && trust.is_said() => {
                let problem = "certificates were given, which a socket on this machine never uses";
                return Err(wrong(problem.to_owned()));
            }
            _ if is_socket => endpoint,
            Some("https") => endpoint
                .tls_config(trust.config()?)
                .map_err(|error| CallError::Certificate { problem: innermost(&error) })?,
            Some("http") if trust.is_said() => {
                let problem = "certificates were given, which only https:// uses";
                return Err(wrong(problem.to_owned()));
            }
            Some("http") => endpoint,
            _ => return Err(wrong("it begins with http:// or https://".to_owned())),
        };
        // A port that is no number would be taken for none.
        let authority = endpoint.uri().authority();
        if authority.is_some_and(|host| host.port_u16().is_none() && names_port(host.as_str())) {
            return Err(wrong("its port is no number from 0 to 65535".to_owned()));
        }
        let credentials = Credentials::of(key.as_ref())?;
        let channel = endpoint.connect().await.map_err(|error| CallError::Unreachable {
            url: full.clone(),
            problem: unreached(&error, full.starts_with("https")),
        })?;
        Ok(Client::over(builder, full, &InterceptedService::new(channel, credentials), patience))
    }
}

/// Why nobody was reached, with what may help where it was TLS that failed.
fn unreached(error: &(dyn StdError + 'static), is_tls: bool) -> String {
    let problem = innermost(error);
    let advice = match problem.as_str() {
        text if text.contains("UnknownIssuer") => {
            "; --ca FILE, or `ca_file`, names the authority that signed the server's certificate"
        }
        text if text.contains("InvalidContentType") => "; perhaps it speaks plain http://",
        text if text.contains("CertificateRequired") => {
            "; it wants a certificate: --cert and --key, or `identity_files`"
        }
        // Whoever speaks TLS takes HTTP for nonsense, and goes.
        text if !is_tls && (text.contains("frame") || text.contains("closed")) => {
            "; perhaps it speaks https://"
        }
        _ => "",
    };
    format!("{problem}{advice}")
}

impl Trust {
    fn is_said(&self) -> bool {
        self.ca.is_some() || self.identity.is_some()
    }

    fn config(&self) -> Result<ClientTlsConfig> {
        let mut config = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
        config = match &self.ca {
            Some(path) => config.ca_certificate(Certificate::from_pem(read(path, "CERTIFICATE")?)),
            None => config.with_native_roots(),
        };
        Ok(match &self.identity {
            Some((certificate, key)) => {
                let certificate = read(certificate, "CERTIFICATE")?;
                config.identity(Identity::from_pem(certificate, read(key, "PRIVATE KEY")?))
            }
            None => config,
        })
    }
}

/// A file of PEM that holds at least one of what is looked for.
fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let wrong = |problem: String| CallError::Certificate {
        problem: format!("{}: {problem}", path.display()),
    };
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limits::TLS_FILE_BYTES_MAX).read_to_end(&mut text))
        .map_err(|error| wrong(error.to_string()))?;
    // Without one nobody would be trusted, and the error would tell something else.
    let end = format!("{what}-----");
    if !text.windows(end.len()).any(|window| window == end.as_bytes()) {
        return Err(wrong(format!("it holds no {} in PEM", what.to_lowercase())));
    }
    Ok(text)
}

/// Whether something stands where a port would.
fn names_port(host: &str) -> bool {
    // The colons of an address of IPv6 stand in brackets.
    host.rsplit(']').next().is_some_and(|rest| rest.contains(':'))
}

/// What each call says of its caller.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    authorization: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    fn of(key: Option<&Secret>) -> Result<Self> {
        let Some(Secret(key)) = key else { return Ok(Self { authorization: None }) };
        let mut header =
            MetadataValue::try_from(format!("Bearer {key}")).map_err(|_| CallError::Key)?;
        header.set_sensitive(true);
        Ok(Self { authorization: Some(header) })
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.authorization {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_never_shown_and_one_that_cannot_be_sent_is_refused() {
        let builder = Client::builder("http://127.0.0.1:1").api_key("ws_secret");
        assert!(!format!("{builder:?}").contains("secret"));
        let credentials = Credentials::of(Some(&Secret("ws_secret".to_owned()))).unwrap();
        assert!(!format!("{credentials:?}").contains("secret"));
        let broken = Client::builder("http://127.0.0.1:1").api_key("two\nlines").connect().await;
        let error = broken.unwrap_err();
        assert!(matches!(error, CallError::Key) && !error.to_string().contains("two"), "{error}");
    }
}
