//! Threads whose work is long give way to those that answer short questions: the system lets a thread of higher
//! priority go on at once when it wakes.

/// Lowers the priority of this thread, and of those that it starts, for good. Work goes on at full speed
/// where no other thread wants the core; where one does, it has about half of what the other gets.
///
/// Does nothing where priorities belong to processes: everywhere but on Linux.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        /// Each step is about a quarter of a core's share (sched(7)).
        const STEPS: i32 = 3;
        // Ignore: the work is done at the usual priority then. None is this thread.
        let _ = rustix::process::setpriority_process(None, STEPS);
    }
}
