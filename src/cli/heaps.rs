//! How many heaps the threads of a server share.

/// Lets threads share few heaps, before there are any: by default glibc gives up to eight times as many as
/// there are cores, and memory that one has freed is no use to the others.
pub(super) fn share() {
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

/// Cores that share a heap: what is measured with one heap on two cores gives memory back after a burst,
/// and does not with two.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const CORES_A_HEAP: usize = 4;
/// More do not keep threads from waiting for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS_MAX: i32 = 8;
