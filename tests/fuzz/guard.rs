//! A panic ends the run only if it gets out: readers turn those of foreign crates into errors.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, Once};

static HOOK: Once = Once::new();
static LAST: Mutex<String> = Mutex::new(String::new());

/// Works on one input.
pub fn guarded(work: impl FnOnce()) {
    // libFuzzer's own hook would end the run at the panic.
    HOOK.call_once(|| {
        set_hook(Box::new(|panic| {
            if let Ok(mut last) = LAST.lock() {
                *last = panic.to_string();
            }
        }));
    });
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        eprintln!("{}", LAST.lock().map(|last| last.clone()).unwrap_or_default());
        std::process::abort();
    }
}
