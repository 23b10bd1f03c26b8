//! `wordspace uploads`: what is kept of files whose imports broke off, and how commands go on with them.

use std::time::{Duration, SystemTime};

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, bytes, seconds};
use crate::client::{self, Client, DeleteUploadRequest, ListUploadsRequest, Upload};

/// How often a lost connection is tried again without a byte more.
const TRIES: u32 = 6;
/// Time before the first of them; twice as long before each next one.
const WAIT: Duration = Duration::from_millis(500);

/// Files that have arrived in part, for imports and trainings that may go on
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

/// Sends a source from where the server has it, and again after each lost connection, as long as that helps.
pub(super) async fn send_again<T>(
    mut offset: impl AsyncFnMut() -> client::Result<u64>,
    mut send_from: impl AsyncFnMut(u64) -> client::Result<T>,
) -> client::Result<T> {
    let (mut tries, mut before) = (0, None);
    loop {
        let sent = match offset().await {
            Ok(from) => {
                if before.is_some_and(|before| from > before) {
                    tries = 0;
                }
                before = Some(from);
                send_from(from).await
            }
            Err(error) => Err(error),
        };
        match sent {
            Err(error) if error.is_lost() && tries < TRIES => {
                tokio::time::sleep(WAIT * 2_u32.pow(tries)).await;
                tries += 1;
            }
            sent => return sent,
        }
    }
}
