//! Which server is asked, and who asks it.

use std::ffi::OsString;
use std::fmt;

use clap::Args;

use crate::client::{self, Client};

/// Where `wordspace serve` listens if nothing else is said.
pub(super) const LISTEN: &str = "127.0.0.1:50051";

/// Options that take a value and may stand before the command.
pub(super) const WITH_VALUE: [&str; 2] = ["--server", "--api-key"];

/// Which server to ask, and who asks.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Every command")]
pub(super) struct Reach {
    /// Address of the server
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
}

/// The key is not shown.
impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Reach {
    /// As arguments that were not parsed yet, and the environment, say.
    pub(super) fn of_texts(texts: &[&str]) -> Self {
        let said = |name: &str, variable: &str| {
            let argument = option(texts, name).map(str::to_owned);
            argument.or_else(|| std::env::var(variable).ok())
        };
        Self {
            server: said("--server", "WORDSPACE_SERVER").unwrap_or_else(|| LISTEN.to_owned()),
            api_key: said("--api-key", "WORDSPACE_KEY").unwrap_or_default(),
        }
    }

    /// The same as arguments, but for those that are said.
    pub(super) fn arguments(&self, said: &[&str]) -> Vec<OsString> {
        let all = [("--server", &self.server), ("--api-key", &self.api_key)];
        let rest = all.into_iter().filter(|(name, _)| option(said, name).is_none());
        rest.map(|(name, value)| format!("{name}={value}").into()).collect()
    }

    /// Connects to the server.
    pub(super) async fn connect(&self) -> client::Result<Client> {
        Client::builder(&self.server).api_key(&self.api_key).connect().await
    }
}

/// The value of `--name VALUE` or `--name=VALUE`.
pub(super) fn option<'t>(texts: &[&'t str], name: &str) -> Option<&'t str> {
    texts.iter().enumerate().find_map(|(place, text)| match text.strip_prefix(name)? {
        "" => texts.get(place + 1).copied(),
        rest => rest.strip_prefix('='),
    })
}
