//! `wordspace uploads`: what is kept of files whose imports broke off.

use std::time::{Duration, SystemTime};

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, bytes, seconds};
use crate::client::{Client, DeleteUploadRequest, ListUploadsRequest, Upload};

/// Files that have arrived in part, for imports that may go on
#[derive(Debug, Args)]
pub(super) struct Uploads {
    /// Drop what is kept for this table
    #[arg(long, value_name = "TABLE")]
    delete: Option<String>,
}

impl Uploads {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if let Some(table) = &self.delete {
            let answer = client.delete_upload(DeleteUploadRequest { table: table.clone() }).await?;
            return output.answer(&answer, |answer| format!("  {} dropped\n", bytes(answer.bytes)));
        }
        let answer = client.list_uploads(ListUploadsRequest {}).await?;
        output.answer(&answer, |answer| grid(&answer.uploads))
    }
}

fn grid(uploads: &[Upload]) -> String {
    let columns = [("table", Align::Left), ("kept", Align::Right), ("quiet for", Align::Right)];
    let mut grid = Grid::titled(&columns);
    for upload in uploads {
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(upload.changed_at);
        // A clock that was set back is no reason to fail.
        let quiet = changed.elapsed().unwrap_or_default();
        grid.row([upload.table.clone(), bytes(upload.bytes), seconds(quiet.as_secs_f64())]);
    }
    grid.to_string()
}
