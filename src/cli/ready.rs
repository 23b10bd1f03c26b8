//! `wordspace ready`: for those who only want to know whether a server answers.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;
use crate::client::Client;

/// Whether the server answers, for probes
///
/// The exit code is 0 if it does, 1 if it says that it does not, and 3 if nobody is there. This asks gRPC's health service,
/// which needs no key. A server that is ending says that it is not ready while calls under way go on.
#[derive(Debug, Args)]
pub(super) struct Ready {
    /// One service, such as `wordspace.v1.SearchService` [default: all of the server]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
}

impl Ready {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let is_ready = client.is_ready(&self.service).await?;
        if output.is_json() {
            output.data(format!("{{\"ready\":{is_ready}}}\n").as_bytes())?;
        }
        if !is_ready {
            return Err(Failure::Local("the server is not ready".to_owned()));
        }
        if !output.is_json() {
            output.say("ready");
        }
        Ok(())
    }
}
