//! glibc's heaps: how many the threads of a process share, and when what is free in them goes back to the system.

/// Lets threads share few heaps, before there are any: by default glibc gives up to eight times as many as
/// there are cores, and memory that one has freed is no use to the others.
pub(crate) fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Whoever runs the server knows better.
        if std::env::var_os("MALLOC_ARENA_MAX").is_some() {
            return;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let heaps = i32::try_from(cores / CORES_A_HEAP).unwrap_or(HEAPS_MAX).clamp(1, HEAPS_MAX);
        // SAFETY: it sets a number that threads look at when they first ask for memory.
        let is_set = unsafe { libc::mallopt(libc::M_ARENA_MAX, heaps) };
        if is_set == 0 {
            tracing::debug!("the number of heaps stays what it was");
        }
    }
}

/// Gives memory back that is free in the heaps, after work that took much of it. glibc alone gives back only what
/// lies behind the last piece in use; so every rebuild of a table would leave more behind.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let began = std::time::Instant::now();
        // SAFETY: it takes the lock of each heap as every allocation does, and moves nothing.
        let is_given = unsafe { libc::malloc_trim(0) } == 1;
        tracing::debug!(is_given, micros = began.elapsed().as_micros(), "free memory went back");
    }
}

/// Cores that share a heap: what is measured with one heap on two cores gives memory back after a burst,
/// and does not with two.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CORES_A_HEAP: usize = 4;
/// More do not keep threads from waiting for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: i32 = 8;
