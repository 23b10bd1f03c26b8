//! Which call it is that is looked at, and where it comes from.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::server::request_id::RequestId;

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::server) enum Address {
    /// Over the network, or this machine's part of it.
    Ip(IpAddr),
    /// Over a socket in the file system.
    Unix,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A call, as the account names it.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Called<'a> {
    /// The path of its method.
    pub(in crate::server) path: &'a str,
    pub(in crate::server) address: Address,
    pub(in crate::server) request: &'a RequestId,
}
