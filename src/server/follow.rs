//! Files that are read again when they change.

use std::path::PathBuf;

use tokio::time::MissedTickBehavior;

use crate::limits;

/// Calls whenever one of the files is another one than before, until it is dropped.
pub(super) async fn follow(paths: Vec<PathBuf>, mut changed: impl FnMut()) {
    let state = || -> Vec<_> {
        let of = |path| {
            let file = std::fs::metadata(path).ok()?;
            Some((file.modified().ok(), file.len()))
        };
        paths.iter().map(of).collect()
    };
    let mut last = state();
    let mut look = tokio::time::interval(limits::FILES_LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let now = state();
        if now != last {
            last = now;
            changed();
        }
    }
}
