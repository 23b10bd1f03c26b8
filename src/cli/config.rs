//! `wordspace config`: what a server is set to, and where each setting comes from.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output};
use crate::cli::serve::Serve;
use crate::cli::settings::Setting;
use crate::server;

/// Show or check what a server is set to
///
/// Settings are defaults, above them the file that --config names (TOML, with the names of the options of `serve`), then
/// variables such as `WORDSPACE_SERVE_JOB_MEMORY`, then options.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show every setting with where it comes from
    Show(Box<Serve>),
    /// Check the settings, and the files of keys and certificates, without starting a server
    Check(Box<Serve>),
}

impl Config {
    pub(super) fn run(&self, settings: &[Setting], as_json: bool) -> Result<()> {
        let mut output = Output::standard(as_json);
        match &self.action {
            Action::Show(_) => {
                let shown = if as_json { json_lines(settings) } else { text(settings) };
                output.data(shown.as_bytes())
            }
            Action::Check(serve) => {
                server::check(&serve.config())?;
                output.say("the settings are right");
                Ok(())
            }
        }
    }
}

fn json_lines(settings: &[Setting]) -> String {
    let line = |setting: &Setting| {
        let (name, value) = (&setting.name, setting.shown());
        json!({ "name": name, "value": value, "origin": setting.origin.to_string() }).to_string()
            + "\n"
    };
    settings.iter().map(line).collect()
}

fn text(settings: &[Setting]) -> String {
    let mut grid = Grid::titled(&["setting", "value", "from"].map(|title| (title, Align::Left)));
    for setting in settings {
        let value = setting.shown().unwrap_or_else(|| "-".to_owned());
        grid.row([setting.name.clone(), value, setting.origin.to_string()]);
    }
    grid.to_string()
}
