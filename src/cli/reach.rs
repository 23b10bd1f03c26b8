//! Which server is asked, and who asks it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::Args;

use crate::client::{self, CallError, Client};

/// Where `wordspace serve` listens if nothing else is said.
pub(super) const LISTEN: &str = "127.0.0.1:50051";

/// Options that take a value and may stand before the command.
pub(super) const WITH_VALUE: [&str; 5] = ["--server", "--api-key", "--ca", "--cert", "--key"];

/// Which server to ask, and who asks.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Every command")]
pub(super) struct Reach {
    /// Address of the server; `unix:/path` for one that listens at a socket on this machine
    #[arg(
        long,
        value_name = "URL",
        env = "WORDSPACE_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:50051",
        global = true
    )]
    pub(super) server: String,
    /// Key for the server, if it asks for one; others on this machine may see it, unlike the variable
    #[arg(
        long,
        value_name = "KEY",
        env = "WORDSPACE_KEY",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    api_key: String,
    /// File of the authority that signed the server's certificate, in PEM, for an https:// address
    /// [default: those that this machine trusts]
    #[arg(
        long,
        value_name = "FILE",
        env = "WORDSPACE_TLS_CA",
        hide_env_values = true,
        global = true
    )]
    ca: Option<PathBuf>,
    /// File of a certificate, in PEM, for a server that asks who calls
    #[arg(
        long,
        value_name = "FILE",
        env = "WORDSPACE_TLS_CERT",
        hide_env_values = true,
        global = true
    )]
    cert: Option<PathBuf>,
    /// File of the certificate's private key, in PEM
    #[arg(
        long = "key",
        value_name = "FILE",
        env = "WORDSPACE_TLS_KEY",
        hide_env_values = true,
        global = true
    )]
    cert_key: Option<PathBuf>,
}

/// The key is not shown.
impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach")
            .field("server", &self.server)
            .field("ca", &self.ca)
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}

impl Reach {
    /// As arguments that were not parsed yet, and the environment, say.
    pub(super) fn of_texts(texts: &[&str]) -> Self {
        let said = |name: &str, variable: &str| {
            let argument = option(texts, name).map(str::to_owned);
            argument.or_else(|| std::env::var(variable).ok())
        };
        let file = |name, variable| {
            said(name, variable).filter(|path| !path.is_empty()).map(PathBuf::from)
        };
        Self {
            server: said("--server", "WORDSPACE_SERVER").unwrap_or_else(|| LISTEN.to_owned()),
            api_key: said("--api-key", "WORDSPACE_KEY").unwrap_or_default(),
            ca: file("--ca", "WORDSPACE_TLS_CA"),
            cert: file("--cert", "WORDSPACE_TLS_CERT"),
            cert_key: file("--key", "WORDSPACE_TLS_KEY"),
        }
    }

    /// The same as arguments, but for those that are said.
    pub(super) fn arguments(&self, said: &[&str]) -> Vec<OsString> {
        let texts = [("--server", &self.server), ("--api-key", &self.api_key)];
        let texts = texts.map(|(name, value)| Some((name, OsString::from(value))));
        let files = [("--ca", &self.ca), ("--cert", &self.cert), ("--key", &self.cert_key)];
        let files = files.map(|(name, path)| Some((name, path.as_ref()?.into())));
        let all = texts.into_iter().chain(files).flatten();
        let rest = all.filter(|(name, _)| option(said, name).is_none());
        let joined = |(name, value): (&str, OsString)| {
            let mut argument = OsString::from(format!("{name}="));
            argument.push(value);
            argument
        };
        rest.map(joined).collect()
    }

    /// Connects to the server.
    pub(super) async fn connect(&self) -> client::Result<Client> {
        let mut builder = Client::builder(&self.server).api_key(&self.api_key);
        if let Some(ca) = &self.ca {
            builder = builder.ca_file(ca);
        }
        builder = match (&self.cert, &self.cert_key) {
            (Some(certificate), Some(key)) => builder.identity_files(certificate, key),
            (None, None) => builder,
            (Some(_), None) | (None, Some(_)) => {
                let problem =
                    "a certificate and its private key are said together: --cert and --key";
                return Err(CallError::Certificate { problem: problem.to_owned() });
            }
        };
        builder.connect().await
    }
}

/// The value of `--name VALUE` or `--name=VALUE`.
pub(super) fn option<'t>(texts: &[&'t str], name: &str) -> Option<&'t str> {
    options(texts, name).first().copied()
}

/// The same of an option that is said more than once.
pub(super) fn options<'t>(texts: &[&'t str], name: &str) -> Vec<&'t str> {
    let value = |(place, text): (usize, &&'t str)| match text.strip_prefix(name)? {
        "" => texts.get(place + 1).copied(),
        rest => rest.strip_prefix('='),
    };
    texts.iter().enumerate().filter_map(value).collect()
}
