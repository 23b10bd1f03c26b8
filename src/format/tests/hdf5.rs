//! HDF5 as h5py writes it.

use super::{contents, open_all, with_tensor};
use crate::format::{Format, Opened, Options};

const ANN: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/ann.hdf5"));
const NEW: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/new.hdf5"));
const KERAS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/keras.weights.h5"));
const VECTORS: [[f32; 4]; 5] = [
    [0.5, -0.25, 10.0, 0.0],
    [8.625, 10.0, -8.625, 0.015_625],
    [-1.5, 2.25, 3.0, -4.75],
    [0.125, 0.0, -0.0, 1.0],
    [-0.015_625, 64.0, -128.5, 7.0],
];

fn open(bytes: &[u8], tensor: Option<&str>) -> Opened {
    let tensor = tensor.map(str::to_owned);
    open_all(&[("x.hdf5", bytes)], &with_tensor(tensor)).unwrap()
}

#[test]
fn an_array_is_read_whole_in_packed_chunks_and_from_a_group() {
    let arrays = [
        (ANN, None, "f32"),
        (ANN, Some("train"), "f32"),
        (ANN, Some("/packed"), "f32"),
        (ANN, Some("more/doubles"), "f64"),
        (NEW, None, "f16"),
    ];
    for (bytes, tensor, dtype) in arrays {
        let opened = open(bytes, tensor);
        assert_eq!((opened.format, opened.reader.dtype()), (Format::Hdf5, dtype));
        let contents = contents(opened).unwrap();
        assert_eq!(contents.words(), ["0", "1", "2", "3", "4"]);
        for (row, vector) in VECTORS.iter().enumerate() {
            assert_eq!(contents.values(row), vector, "{tensor:?}");
        }
    }
}

#[test]
fn what_is_odd_is_noted_and_words_may_stand_beside() {
    let reasons = |bytes| {
        let notes = open(bytes, None).reader.notes();
        notes.into_iter().map(|note| (note.reason, note.detail)).collect::<Vec<_>>()
    };
    let told = reasons(ANN);
    assert_eq!(told[0].0, "distance");
    assert!(told[0].1.contains("\"euclidean\""), "{told:?}");
    assert_eq!((told[1].0, told.len()), ("no_words", 2));
    assert_eq!(reasons(NEW).len(), 1, "angular distance is no oddity");
    let files = [("x.hdf5", ANN), ("x.words.txt", b"a\nb\nc\nd\ne\n".as_slice())];
    let contents = contents(open_all(&files, &Options::default()).unwrap()).unwrap();
    assert_eq!(contents.words(), ["a", "b", "c", "d", "e"]);
    for (tensor, problem) in [
        ("nothing", "there are more, neighbors, packed, test, train"),
        ("neighbors", "\"neighbors\" is no array of numbers"),
        ("more", "\"more\" is no array of numbers"),
    ] {
        let options = with_tensor(Some(tensor.to_owned()));
        let error = open_all(&[("x.hdf5", ANN)], &options).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn weights_of_keras_have_their_embedding() {
    let files = [("m.weights.h5", KERAS), ("m.weights.words.txt", b"a\nb\nc\nd\ne\n".as_slice())];
    let read = |tensor: Option<&str>| {
        let options = with_tensor(tensor.map(str::to_owned));
        contents(open_all(&files, &options).unwrap()).unwrap()
    };
    let found = read(None);
    assert_eq!((found.words()[4].as_str(), found.values(4)), ("e", vec![8.0, 9.0]));
    assert_eq!(read(Some("layers/embedding/vars/0")).values(1), [2.0, 3.0]);
    assert_eq!(read(Some("optimizer/vars/1")).values(1), [0.0, 0.0]);
}
