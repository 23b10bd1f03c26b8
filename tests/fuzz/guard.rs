//! A panic ends the run only if it gets out: readers turn those of foreign crates into errors. So does
//! memory for what a small file only claims.

use std::alloc::{GlobalAlloc, Layout, System};
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
                *last = panic.to_string().replace('\n', " ");
            }
        }));
    });
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        eprintln!("{}", LAST.lock().map(|last| last.clone()).unwrap_or_default());
        std::process::abort();
    }
}

/// More at once than any small file needs. Memory that nobody touches does not count for libFuzzer's
/// own limit.
const ALLOCATION_MAX: usize = 1 << 29;

struct Bounded;

#[global_allocator]
static BOUNDED: Bounded = Bounded;

fn check(size: usize) {
    if size > ALLOCATION_MAX {
        eprintln!("ERROR: {size} bytes wanted at once");
        std::process::abort();
    }
}

// SAFETY: the system's allocator does everything.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(old, layout) }
    }
}
