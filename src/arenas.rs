//! glibc's arenas, the heaps of its allocator: how many the threads of a process share, and when what is free in them
//! goes back to the system.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::time::Instant;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use parking_lot::Mutex;

/// Lets threads share few arenas, before there are any: by default glibc gives up to eight times as many as
/// there are cores, and memory that one has freed is no use to the others.
pub(crate) fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Whoever runs the server knows better.
        if std::env::var_os("MALLOC_ARENA_MAX").is_some() {
            return;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arenas =
            i32::try_from(cores / CORES_AN_ARENA).unwrap_or(ARENAS_MAX).clamp(1, ARENAS_MAX);
        // SAFETY: it sets a number that threads look at when they first ask for memory.
        let is_set = unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas) };
        if is_set == 0 {
            tracing::debug!("the number of arenas stays what it was");
        }
    }
}

/// Gives memory back that is free in the arenas, after work that took much of it. glibc alone gives back only what
/// lies behind the last piece in use; so every rebuild of a table would leave more behind.
///
/// Other threads wait meanwhile for memory, so it does nothing where it would take more than a hundredth of the
/// time since the last call.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        static NOT_BEFORE: Mutex<Option<Instant>> = Mutex::new(None);
        let Some(mut not_before) = NOT_BEFORE.try_lock() else { return };
        let began = Instant::now();
        if not_before.is_some_and(|not_before| began < not_before) {
            return;
        }
        // SAFETY: it takes the lock of each arena as every allocation does, and moves nothing.
        let is_given = unsafe { libc::malloc_trim(0) } == 1;
        let took = began.elapsed();
        *not_before = Some(began + took * 100);
        tracing::debug!(is_given, micros = took.as_micros(), "free memory went back");
    }
}

/// Cores that share an arena: what is measured with one arena on two cores gives memory back after a burst,
/// and does not with two.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CORES_AN_ARENA: usize = 4;
/// More do not keep threads from waiting for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_MAX: i32 = 8;
