//! The real program as a server in a process of its own, and the real vectors if they are here.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use wordspace::client::{Client, GetTableRequest, IndexState, IndexStatus};

/// Pause between two looks at a build.
const POLL: Duration = Duration::from_millis(5);

/// `wordspace serve`; killed when this goes.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) client: Client,
}

impl Server {
    pub(crate) async fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url =
            lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned));
        // Keep reading, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::connect(&url.unwrap()).await.unwrap();
        Self { child, client }
    }

    pub(crate) async fn index(&self, table: &str) -> IndexStatus {
        let ask = GetTableRequest { table: table.to_owned() };
        self.client.get_table(ask).await.unwrap().table.unwrap().index.unwrap()
    }

    /// Waits until nothing is being built.
    pub(crate) async fn wait_for_index(&self, table: &str) -> IndexStatus {
        loop {
            let index = self.index(table).await;
            match index.state() {
                IndexState::Queued | IndexState::Building => tokio::time::sleep(POLL).await,
                IndexState::Ready
                | IndexState::NotNeeded
                | IndexState::Failed
                | IndexState::Stopped
                | IndexState::Unspecified => return index,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `glove.6B.100d.txt` in `$WORDSPACE_DATA`, by default `~/.cache/wordspace-data`.
pub(crate) fn glove() -> Option<PathBuf> {
    let folder = std::env::var_os("WORDSPACE_DATA").map(PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/wordspace-data"))
    });
    folder.map(|folder| folder.join("glove.6B.100d.txt")).filter(|file| file.exists())
}
