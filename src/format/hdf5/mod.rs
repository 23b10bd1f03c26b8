//! HDF5 as nearest-neighbor benchmarks and Keras use it: a data set of numbers with two dimensions,
//! `train` or the one of an embedding. Behind the feature `hdf5`.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `object.rs` | the file's beginning, objects and their messages |
//! | `group.rs` | the names in a group |
//! | `attribute.rs` | texts that a group tells of itself |
//! | `dataset.rs` | what a data set is made of |
//! | `chunks.rs` | numbers in packed chunks |
//! | `table.rs` | which data set is the table |
//!
//! Read are files of the versions that h5py writes unless told otherwise (`libver='earliest'`), and
//! of later ones those with few names and no chunks. Chunks may be packed with gzip, shuffled and
//! checked (fletcher32). The words stand in another file; without one, rows are named by their
//! numbers. The layout is the HDF5 File Format Specification, version 3.0.

#[cfg(any(test, feature = "hdf5"))]
mod attribute;
#[cfg(any(test, feature = "hdf5"))]
mod chunks;
#[cfg(any(test, feature = "hdf5"))]
mod dataset;
#[cfg(any(test, feature = "hdf5"))]
mod group;
#[cfg(any(test, feature = "hdf5"))]
mod object;
#[cfg(any(test, feature = "hdf5"))]
mod table;

use crate::format::entry::{Beside, Entry, Read, Told};

pub(super) const NAME: &str = "hdf5";
/// Names in a group that are looked at.
#[cfg(any(test, feature = "hdf5"))]
const MEMBERS_MAX: usize = 4_096;

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "HDF5",
    about: "An array of an HDF5 file, with a file of words or row numbers",
    suffixes: &["hdf5", "h5"],
    begins: |head| Told::surely(head.bytes.starts_with(b"\x89HDF\r\n\x1A\n")),
    read: READ,
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

#[cfg(any(test, feature = "hdf5"))]
const READ: Read = Read::Whole(table::open);
#[cfg(not(any(test, feature = "hdf5")))]
const READ: Read = Read::Never(|| {
    let problem = format!(
        "this is an HDF5 file, and this program was built without them (cargo build --features \
         hdf5); {}",
        crate::format::foreign::CONVERT_HDF5
    );
    crate::format::malformed(NAME, crate::error::At::Byte(0), problem)
});
