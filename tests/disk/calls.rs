//! libc's calls that change files, in place of libc's: the linker takes the first of a name. They
//! ask `disk.rs`, forward to the system, and tell it what became of them.
//!
//! `open` takes a third argument only sometimes; on the machines that Linux runs on it comes in the
//! same register either way.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use libc::{iovec, mode_t, off64_t, size_t, ssize_t};

use crate::disk::{self, Call, Seen, Verdict};

fn fail(number: c_int) -> c_int {
    // SAFETY: it only tells where this thread has the number.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: nobody else writes there.
    unsafe { *errno = number };
    -1
}

fn die() -> ! {
    // SAFETY: nothing of this process is used any more.
    unsafe { libc::raise(libc::SIGKILL) };
    loop {
        std::hint::spin_loop();
    }
}

/// The verdict on a call that is done whole or not at all: an error's number.
fn refused(seen: &mut Seen, call: Call) -> Option<c_int> {
    match seen.verdict(call) {
        Verdict::Go | Verdict::Short(_) => None,
        Verdict::Error(number) => Some(number),
        Verdict::Kill => die(),
    }
}

fn result(told: libc::c_long) -> c_int {
    c_int::try_from(told).unwrap_or(-1)
}

unsafe fn opened(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    let forward = || unsafe { result(libc::syscall(libc::SYS_openat, at, path, flags, mode)) };
    let changes = flags & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) != 0;
    if !changes {
        return forward();
    }
    // SAFETY: the caller's path ends with a zero.
    let named = unsafe { CStr::from_ptr(path) };
    let Some(mut seen) = disk::path(at, named) else { return forward() };
    if let Some(number) = refused(&mut seen, Call::Open) {
        return fail(number);
    }
    let is_new = !seen.is_there() && flags & libc::O_CREAT != 0;
    if is_new && seen.is_full() {
        return fail(libc::ENOSPC);
    }
    let fd = forward();
    if fd >= 0 && is_new {
        seen.made(fd, false);
    } else if fd >= 0 && flags & libc::O_TRUNC != 0 {
        drop(seen);
        if let Some(mut seen) = disk::file(fd) {
            seen.resized(0);
        }
    }
    fd
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { opened(libc::AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { opened(libc::AT_FDCWD, path, flags | libc::O_LARGEFILE, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { opened(at, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(at: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { opened(at, path, flags | libc::O_LARGEFILE, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { opened(libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

/// Writes at a place, or where the file stands.
unsafe fn wrote(fd: c_int, bytes: *const c_void, count: size_t, at: Option<off64_t>) -> ssize_t {
    let forward = |count: size_t| {
        let told = match at {
            // SAFETY: as for the caller; never more bytes than it gave.
            Some(at) => unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, count, at) },
            // SAFETY: as above.
            None => unsafe { libc::syscall(libc::SYS_write, fd, bytes, count) },
        };
        ssize_t::try_from(told).unwrap_or(-1)
    };
    let Some(mut seen) = disk::file(fd) else { return forward(count) };
    // SAFETY: it only tells.
    let stands = || unsafe { libc::lseek64(fd, 0, libc::SEEK_CUR) };
    // SAFETY: it only tells.
    let appends = || unsafe { libc::fcntl(fd, libc::F_GETFL) } & libc::O_APPEND != 0;
    let begin = match at {
        Some(at) => u64::try_from(at).unwrap_or(0),
        None if appends() => seen.len,
        None => u64::try_from(stands()).unwrap_or(0),
    };
    let told = match seen.verdict_of_write(begin + count as u64, count) {
        Verdict::Go => forward(count),
        Verdict::Short(count) => forward(count),
        Verdict::Error(number) => return ssize_t::try_from(fail(number)).unwrap_or(-1),
        Verdict::Kill => {
            forward(count / 2);
            die()
        }
    };
    if let Ok(done) = usize::try_from(told) {
        // SAFETY: the system has just read so many bytes there.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), done) };
        seen.written(begin, bytes);
    }
    told
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { wrote(fd, bytes, count, None) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { wrote(fd, bytes, count, Some(at)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { wrote(fd, bytes, count, Some(at)) }
}

/// In a watched folder, several parts are written as the first of them: whoever calls goes on.
unsafe fn gathered(fd: c_int, parts: *const iovec, count: c_int, at: Option<off64_t>) -> ssize_t {
    if disk::file(fd).is_some() {
        // SAFETY: the caller gives so many parts.
        let parts =
            unsafe { std::slice::from_raw_parts(parts, usize::try_from(count).unwrap_or(0)) };
        let Some(first) = parts.iter().find(|part| part.iov_len > 0) else { return 0 };
        // SAFETY: as for the caller.
        return unsafe { wrote(fd, first.iov_base, first.iov_len, at) };
    }
    let told = match at {
        // The place comes in two halves, of which the second counts for nothing here.
        // SAFETY: as for the caller.
        Some(at) => unsafe { libc::syscall(libc::SYS_pwritev, fd, parts, count, at, 0) },
        // SAFETY: as for the caller.
        None => unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) },
    };
    ssize_t::try_from(told).unwrap_or(-1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { gathered(fd, parts, count, None) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev(fd: c_int, parts: *const iovec, count: c_int, at: off64_t) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { gathered(fd, parts, count, Some(at)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwritev64(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    at: off64_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { gathered(fd, parts, count, Some(at)) }
}

fn resized(fd: c_int, len: off64_t) -> c_int {
    // SAFETY: it touches no memory.
    let forward = || unsafe { result(libc::syscall(libc::SYS_ftruncate, fd, len)) };
    let Some(mut seen) = disk::file(fd) else { return forward() };
    if let Some(number) = refused(&mut seen, Call::Resize) {
        return fail(number);
    }
    let told = forward();
    if told == 0 {
        seen.resized(u64::try_from(len).unwrap_or(0));
    }
    told
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, len: off64_t) -> c_int {
    resized(fd, len)
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, len: off64_t) -> c_int {
    resized(fd, len)
}

/// Room that is asked for beforehand: a watched folder's disk has no such call, as some have not.
fn reserved(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    if disk::file(fd).is_some() {
        return fail(libc::EOPNOTSUPP);
    }
    // SAFETY: it touches no memory.
    unsafe { result(libc::syscall(libc::SYS_fallocate, fd, mode, at, len)) }
}

#[unsafe(no_mangle)]
extern "C" fn fallocate(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    reserved(fd, mode, at, len)
}

#[unsafe(no_mangle)]
extern "C" fn fallocate64(fd: c_int, mode: c_int, at: off64_t, len: off64_t) -> c_int {
    reserved(fd, mode, at, len)
}

#[unsafe(no_mangle)]
extern "C" fn posix_fallocate(fd: c_int, at: off64_t, len: off64_t) -> c_int {
    // Its answer is the error's number.
    if reserved(fd, 0, at, len) == 0 {
        0
    } else {
        std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
    }
}

#[unsafe(no_mangle)]
extern "C" fn posix_fallocate64(fd: c_int, at: off64_t, len: off64_t) -> c_int {
    posix_fallocate(fd, at, len)
}

/// Both make all of a file durable here, or all names in a folder.
fn synced(fd: c_int, call: libc::c_long) -> c_int {
    let Some(mut seen) = disk::file(fd) else {
        // SAFETY: it touches no memory.
        return unsafe { result(libc::syscall(call, fd)) };
    };
    let number = refused(&mut seen, Call::Sync);
    seen.synced(number.is_some());
    number.map_or(0, fail)
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fsync)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, libc::SYS_fdatasync)
}

/// Says nothing of the file's length, and nothing is durable by it.
#[unsafe(no_mangle)]
extern "C" fn sync_file_range(fd: c_int, at: off64_t, len: off64_t, flags: c_uint) -> c_int {
    let Some(mut seen) = disk::file(fd) else {
        // SAFETY: it touches no memory.
        return unsafe { result(libc::syscall(libc::SYS_sync_file_range, fd, at, len, flags)) };
    };
    refused(&mut seen, Call::Sync).map_or(0, fail)
}

unsafe fn renamed(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: as for the caller.
    let forward =
        || unsafe { result(libc::syscall(libc::SYS_renameat2, from_at, from, to_at, to, flags)) };
    // SAFETY: the caller's path ends with a zero.
    let named = unsafe { CStr::from_ptr(from) };
    // SAFETY: the caller's path ends with a zero.
    let to_named = unsafe { CStr::from_ptr(to) };
    let Some(mut seen) = disk::path(from_at, named) else {
        if let Some(mut seen) = disk::path(to_at, to_named) {
            seen.odd("a rename from elsewhere");
        }
        return forward();
    };
    if flags & libc::RENAME_EXCHANGE != 0 {
        seen.odd("an exchange");
    }
    if let Some(number) = refused(&mut seen, Call::Rename) {
        return fail(number);
    }
    let told = forward();
    if told == 0 {
        seen.renamed(to_named);
    }
    told
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as for the caller.
    unsafe { renamed(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe { renamed(from_at, from, to_at, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn renameat2(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe { renamed(from_at, from, to_at, to, flags) }
}

unsafe fn removed(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: as for the caller.
    let forward = || unsafe { result(libc::syscall(libc::SYS_unlinkat, at, path, flags)) };
    // SAFETY: the caller's path ends with a zero.
    let named = unsafe { CStr::from_ptr(path) };
    let Some(mut seen) = disk::path(at, named) else { return forward() };
    if let Some(number) = refused(&mut seen, Call::Remove) {
        return fail(number);
    }
    let mut found = std::mem::MaybeUninit::<libc::stat64>::zeroed();
    // SAFETY: there is room for the answer.
    let told = unsafe { libc::fstatat64(at, path, found.as_mut_ptr(), libc::AT_SYMLINK_NOFOLLOW) };
    // SAFETY: zeros are a value of it too.
    let found = unsafe { found.assume_init() };
    let len = if told == 0 { u64::try_from(found.st_size).unwrap_or(0) } else { 0 };
    let told = forward();
    if told == 0 {
        seen.removed(if flags & libc::AT_REMOVEDIR == 0 { len } else { 0 });
    }
    told
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: as for the caller.
    unsafe { removed(libc::AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(at: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: as for the caller.
    unsafe { removed(at, path, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: as for the caller.
    unsafe { removed(libc::AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

unsafe fn folder_made(at: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    let forward = || unsafe { result(libc::syscall(libc::SYS_mkdirat, at, path, mode)) };
    // SAFETY: the caller's path ends with a zero.
    let named = unsafe { CStr::from_ptr(path) };
    let Some(mut seen) = disk::path(at, named) else { return forward() };
    if let Some(number) = refused(&mut seen, Call::Folder) {
        return fail(number);
    }
    if seen.is_full() {
        return fail(libc::ENOSPC);
    }
    let told = forward();
    if told == 0 {
        let flags = libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: as for the caller.
        let fd = unsafe { result(libc::syscall(libc::SYS_openat, at, path, flags, 0)) };
        seen.made(fd, true);
        // SAFETY: nobody else has it.
        unsafe { libc::close(fd) };
    }
    told
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { folder_made(libc::AT_FDCWD, path, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdirat(at: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { folder_made(at, path, mode) }
}

unsafe fn linked(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: as for the caller.
    let forward =
        || unsafe { result(libc::syscall(libc::SYS_linkat, from_at, from, to_at, to, flags)) };
    // SAFETY: the caller's path ends with a zero.
    let named = unsafe { CStr::from_ptr(to) };
    let Some(mut seen) = disk::path(to_at, named) else { return forward() };
    if let Some(number) = refused(&mut seen, Call::Rename) {
        return fail(number);
    }
    let told = forward();
    if told == 0 {
        seen.linked();
    }
    told
}

#[unsafe(no_mangle)]
unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as for the caller.
    unsafe { linked(libc::AT_FDCWD, from, libc::AT_FDCWD, to, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn linkat(
    from_at: c_int,
    from: *const c_char,
    to_at: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe { linked(from_at, from, to_at, to, flags) }
}

/// Into a watched folder nothing is copied by the system itself: whoever calls reads and writes then.
#[unsafe(no_mangle)]
unsafe extern "C" fn copy_file_range(
    from: c_int,
    from_at: *mut off64_t,
    to: c_int,
    to_at: *mut off64_t,
    len: size_t,
    flags: c_uint,
) -> ssize_t {
    if disk::file(to).is_some() {
        return ssize_t::try_from(fail(libc::EXDEV)).unwrap_or(-1);
    }
    // SAFETY: as for the caller.
    let told =
        unsafe { libc::syscall(libc::SYS_copy_file_range, from, from_at, to, to_at, len, flags) };
    ssize_t::try_from(told).unwrap_or(-1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile(to: c_int, from: c_int, at: *mut off64_t, len: size_t) -> ssize_t {
    if disk::file(to).is_some() {
        return ssize_t::try_from(fail(libc::EINVAL)).unwrap_or(-1);
    }
    // SAFETY: as for the caller.
    let told = unsafe { libc::syscall(libc::SYS_sendfile, to, from, at, len) };
    ssize_t::try_from(told).unwrap_or(-1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendfile64(to: c_int, from: c_int, at: *mut off64_t, len: size_t) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { sendfile(to, from, at, len) }
}
