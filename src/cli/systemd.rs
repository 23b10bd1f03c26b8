//! What a service manager and a server tell each other, as systemd has it: sockets that are handed over, and how far
//! the server is.

#[cfg(unix)]
use std::os::fd::{FromRawFd as _, OwnedFd};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;

#[cfg(unix)]
use crate::cli::failure::Failure;
use crate::cli::failure::Result;
use crate::server::Listener;

/// The first socket that is handed over, if any is.
#[cfg(unix)]
const FIRST: i32 = 3;
/// Sockets that are taken at most.
#[cfg(unix)]
const SOCKETS_MAX: i32 = 16;

/// The sockets that the service manager listens at for this process; usually none. To be called once.
#[cfg(unix)]
pub(super) fn sockets() -> Result<Vec<Listener>> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<i32>().ok());
    let own = i32::try_from(std::process::id()).ok();
    // A parent's sockets are none of this process's.
    let count = number("LISTEN_FDS").filter(|_| own.is_some() && number("LISTEN_PID") == own);
    let Some(count) = count else { return Ok(Vec::new()) };
    if !(1..=SOCKETS_MAX).contains(&count) {
        let problem = format!("LISTEN_FDS={count} is not from 1 to {SOCKETS_MAX}");
        return Err(Failure::Local(problem));
    }
    let taken = |number: i32| {
        // SAFETY: the manager opened it for this process, as LISTEN_PID says, and nothing else in it knows of it.
        let socket = unsafe { OwnedFd::from_raw_fd(number) };
        Listener::handed_over(socket).map_err(|error| {
            Failure::Local(format!("descriptor {number}, handed over, is no socket: {error}"))
        })
    };
    (FIRST..FIRST + count).map(taken).collect()
}

/// There are none.
#[cfg(not(unix))]
pub(super) fn sockets() -> Result<Vec<Listener>> {
    Ok(Vec::new())
}

/// Tells the service manager how far the server is, such as `READY=1`, if it wants to know.
#[cfg(unix)]
pub(super) fn notify(state: &str) {
    let Ok(path) = std::env::var("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| match path.strip_prefix('@') {
        Some(name) => send_to_abstract(&socket, name, state),
        None => socket.send_to(state.as_bytes(), &path),
    });
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager was not told: {state}");
    }
}

/// Nobody wants to know.
#[cfg(not(unix))]
pub(super) fn notify(_: &str) {}

#[cfg(target_os = "linux")]
fn send_to_abstract(socket: &UnixDatagram, name: &str, state: &str) -> std::io::Result<usize> {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    socket.send_to_addr(state.as_bytes(), &address)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn send_to_abstract(_: &UnixDatagram, _: &str, _: &str) -> std::io::Result<usize> {
    Err(std::io::ErrorKind::Unsupported.into())
}
