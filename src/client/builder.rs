//! `ClientBuilder`: which server a client asks, and who it says it is.

use std::fmt;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Endpoint;
use tonic::{Request, Status};

use crate::client::Client;
use crate::client::error::{CallError, Result, innermost};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A call whose server does not answer a ping for so long has lost its connection.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of an export that may be under way: wide enough for a fast network.
const WINDOW_BYTES: u32 = 4 << 20;

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    url: String,
    key: Option<Secret>,
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
        Self { url: url.to_owned(), key: None }
    }

    /// The key that every call brings; an empty one is none.
    #[must_use]
    pub fn api_key(mut self, key: &str) -> Self {
        self.key = (!key.is_empty()).then(|| Secret(key.to_owned()));
        self
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`CallError::Address`] if the URL or the key cannot be right, [`CallError::Unreachable`] if nobody
    /// answers.
    pub async fn connect(self) -> Result<Client> {
        let Self { url, key } = self;
        let full = if url.contains("://") { url.clone() } else { format!("http://{url}") };
        let wrong = |problem: String| CallError::Address { url: url.clone(), problem };
        let endpoint = Endpoint::from_shared(full.clone())
            .map_err(|error| wrong(innermost(&error)))?
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(2 * WINDOW_BYTES)
            .http2_keep_alive_interval(KEEP_ALIVE_TIMEOUT)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        if endpoint.uri().scheme_str() != Some("http") {
            return Err(wrong("the server speaks plain http://".to_owned()));
        }
        // A port that is no number would be taken for none.
        let authority = endpoint.uri().authority();
        if authority.is_some_and(|host| host.port_u16().is_none() && names_port(host.as_str())) {
            return Err(wrong("its port is no number from 0 to 65535".to_owned()));
        }
        let credentials = Credentials::of(key.as_ref())?;
        let channel = endpoint.connect().await.map_err(|error| CallError::Unreachable {
            url: full.clone(),
            problem: innermost(&error),
        })?;
        Ok(Client::over(full, &InterceptedService::new(channel, credentials)))
    }
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
