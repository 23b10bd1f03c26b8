//! `Listener`: where connections come from, a port or a socket in the file system.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use crate::server::access::Address;
use crate::server::transport::wire::Stream;

/// What stands before the path of a socket.
#[cfg(unix)]
const UNIX: &str = "unix:";
/// Who may call over a socket, unless it is said otherwise: its owner.
pub const SOCKET_MODE: u32 = 0o600;

/// Where connections come from.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, Option<SocketFile>),
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listening {
    /// At a port.
    Tcp(SocketAddr),
    /// At a socket, by the path of its file.
    Unix(String),
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener))
    }
}

/// All that a server listens at.
#[derive(Debug)]
pub struct Listeners(pub(in crate::server) Vec<Listener>);

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self(vec![listener.into()])
    }
}

impl From<Listener> for Listeners {
    fn from(listener: Listener) -> Self {
        Self(vec![listener])
    }
}

impl From<Vec<Listener>> for Listeners {
    fn from(listeners: Vec<Listener>) -> Self {
        Self(listeners)
    }
}

impl Listener {
    /// Listens at an address such as `127.0.0.1:50051`, or at a socket such as `unix:/run/wordspace.sock`, which
    /// those may open whom `mode` lets. A socket that nobody listens at is replaced; the file goes when the
    /// listener does.
    ///
    /// # Errors
    ///
    /// If the address is taken or cannot be had.
    pub async fn bind(address: &str, mode: u32) -> io::Result<Self> {
        #[cfg(unix)]
        if let Some(path) = address.strip_prefix(UNIX) {
            let path = path.strip_prefix("//").unwrap_or(path);
            return bind_socket(Path::new(path), mode).await;
        }
        #[cfg(not(unix))]
        let _ = mode;
        TcpListener::bind(address).await.map(Self::from)
    }

    /// A socket that another process, such as a service manager, listens at already and hands over; its file is that
    /// process's.
    ///
    /// # Errors
    ///
    /// If it is neither a socket of TCP nor one in the file system.
    #[cfg(unix)]
    pub fn handed_over(socket: std::os::fd::OwnedFd) -> io::Result<Self> {
        let unix = std::os::unix::net::UnixListener::from(socket);
        if unix.local_addr().is_ok() {
            unix.set_nonblocking(true)?;
            return Ok(Self(Kind::Unix(UnixListener::from_std(unix)?, None)));
        }
        let tcp = std::net::TcpListener::from(std::os::fd::OwnedFd::from(unix));
        tcp.local_addr()?;
        tcp.set_nonblocking(true)?;
        TcpListener::from_std(tcp).map(Self::from)
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn listening(&self) -> io::Result<Listening> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(Listening::Tcp),
            #[cfg(unix)]
            Kind::Unix(listener, file) => {
                // It was made by another name.
                let path = match file {
                    Some(file) => Some(file.path.clone()),
                    None => listener.local_addr()?.as_pathname().map(Path::to_path_buf),
                };
                let path = path.map(|path| path.display().to_string());
                Ok(Listening::Unix(path.unwrap_or_default()))
            }
        }
    }

    /// The next connection, and where it comes from.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Address)> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Plain(stream), Address::Ip(address.ip())))
            }
            #[cfg(unix)]
            Kind::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Address::Unix))
            }
        }
    }
}

/// The file of a socket, which goes with it.
#[cfg(unix)]
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and number of the file, so that no other is taken away.
    identity: (u64, u64),
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // One that is left is replaced by the next server.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes a socket beside its place, and moves it there once it has its mode: whoever finds it may open it or not, and
/// one that is left over is gone at that moment.
#[cfg(unix)]
async fn bind_socket(path: &Path, mode: u32) -> io::Result<Listener> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(file) if !file.file_type().is_socket() => {
            let problem = "there is a file of that name, which is no socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
        }
        Ok(_) => match UnixStream::connect(path).await {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            // Whoever made it is gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error),
        },
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let made = PathBuf::from(name);
    // Of an earlier process of the same number.
    let _ = std::fs::remove_file(&made);
    let listener = UnixListener::bind(&made)?;
    let moved = std::fs::set_permissions(&made, std::fs::Permissions::from_mode(mode))
        .and_then(|()| identity(&made))
        .and_then(|identity| std::fs::rename(&made, path).map(|()| identity));
    match moved {
        Ok(identity) => {
            let file = SocketFile { path: path.to_owned(), identity };
            Ok(Listener(Kind::Unix(listener, Some(file))))
        }
        Err(error) => {
            let _ = std::fs::remove_file(&made);
            Err(error)
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_socket_is_taken_over_from_the_dead_and_not_from_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.sock");
        let address = format!("unix:{}", path.display());
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let first = Listener::bind(&address, SOCKET_MODE).await.unwrap();
        assert_eq!((mode(), first.listening().unwrap().to_string()), (0o600, address.clone()));
        let error = Listener::bind(&address, SOCKET_MODE).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);

        // Left over, as by a process that was killed.
        let Kind::Unix(listener, Some(file)) = first.0 else { panic!() };
        let left = file.identity;
        std::mem::forget(file);
        drop(listener);
        assert_eq!(identity(&path).unwrap(), left);
        let second = Listener::bind(&format!("unix://{}", path.display()), 0o660).await.unwrap();
        assert_eq!(mode(), 0o660);
        UnixStream::connect(&path).await.unwrap();

        // Its file goes with it, and nobody else's does.
        drop(second);
        assert!(!path.exists());
        let third = Listener::bind(&address, SOCKET_MODE).await.unwrap();
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        std::fs::File::create(&path).unwrap();
        drop(third);
        assert!(path.exists());
        let error = Listener::bind(&address, SOCKET_MODE).await.unwrap_err();
        assert!(error.to_string().contains("no socket"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left");
    }

    #[tokio::test]
    async fn sockets_are_taken_as_they_are_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.sock");
        let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let listener = Listener::handed_over(unix.into()).unwrap();
        let told = listener.listening().unwrap();
        assert_eq!(told, Listening::Unix(path.display().to_string()));
        let (accepted, caller) = tokio::join!(listener.accept(), UnixStream::connect(&path));
        assert_eq!(accepted.unwrap().1, Address::Unix);
        drop((listener, caller));
        assert!(path.exists(), "it is not ours to remove");

        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let listener = Listener::handed_over(tcp.into()).unwrap();
        assert_eq!(listener.listening().unwrap(), Listening::Tcp(address));
    }
}
