//! Pickles are data: what they call is not called, and what they are is told.

use super::{contents, open_all, read_as, read_files, with_tensor};
use crate::format::{Format, Options};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/", $name))
    };
}

pub(super) const KEYED_VECTORS: &[u8] = fixture!("gensim.kv");
pub(super) const FASTTEXT: &[u8] = fixture!("gensim-fasttext.kv");
pub(super) const TORCH: &[u8] = fixture!("torch.pt");
pub(super) const OLD_TORCH: &[u8] = fixture!("torch-old.bin");

#[test]
fn keyed_vectors_of_gensim_are_read_with_their_sub_words() {
    let files = [("gensim.kv", KEYED_VECTORS)];
    let read = read_files(&files, &Options::default()).unwrap();
    assert_eq!(
        (read.format, read.words()),
        (Format::Gensim, ["the", "caf\u{e9}", "a b"].map(str::to_owned).to_vec())
    );
    assert_eq!((read.values(0), read.values(2)), (vec![0.5, -1e-7], vec![-3.25, 2.0]));
    let opened = open_all(&[("f.kv", FASTTEXT)], &Options::default()).unwrap();
    let subwords = opened.subwords.clone().unwrap();
    assert_eq!((subwords.min_n, subwords.max_n), (2, 3));
    let unseen = subwords.vector(b"unseen").unwrap().unwrap();
    assert!(near(&unseen, &UNSEEN), "{unseen:?}");
    let read = contents(opened).unwrap();
    let the = read.words().iter().position(|word| word == "the").unwrap();
    assert!(near(&read.values(the), &THE), "{:?}", read.values(the));
}

/// What gensim has, as `pickles.py` prints it.
const THE: [f32; 2] = [0.106_880_24, -0.067_767_605];
const UNSEEN: [f32; 2] = [0.058_468_685, -0.031_770_624];

fn near(mine: &[f32], wanted: &[f32]) -> bool {
    mine.iter().zip(wanted).all(|(mine, wanted)| (mine - wanted).abs() < 1e-6)
}

#[test]
fn tensors_of_torch_are_read_from_both_of_its_layouts() {
    let words = b"a\nb\nc\n".as_slice();
    for (name, file) in [("torch.pt", TORCH), ("torch.bin", OLD_TORCH)] {
        let files = [(name, file), ("torch.words.txt", words)];
        let read = read_files(&files, &Options::default()).unwrap();
        assert_eq!(
            (read.format, read.words()),
            (Format::Torch, ["a", "b", "c"].map(str::to_owned).to_vec())
        );
        assert_eq!((read.values(0), read.values(2)), (vec![0.5, 1.0], vec![3.0, 4.0]));
        let error = read_files(&files, &with_tensor(Some("x".to_owned()))).unwrap_err().to_string();
        assert!(error.contains("encoder.embed_tokens.weight"), "{error}");
    }
}

#[test]
fn nothing_in_a_pickle_is_called() {
    // cos\nsystem\n(S'true'\ntR. calls os.system where pickles are run.
    let file = b"ccopy_reg\n_reconstructor\n0cos\nsystem\n(S'true'\ntR.".as_slice();
    let error = read_as(file, Format::Gensim).unwrap_err().to_string();
    assert!(error.contains("this is a pickle of a os.system, which has no words"), "{error}");
    let words = b"(dp0\nS'a'\n(lp1\nF0.5\naF1.5\nasVb\\u00e9\n(lp2\nF2\naF3\nas.".as_slice();
    let read = read_files(&[("x.pkl", words)], &Options::default()).unwrap();
    assert_eq!((read.format, read.words()), (Format::Gensim, vec!["a".into(), "b\u{e9}".into()]));
    assert_eq!(read.values(1), [2.0, 3.0]);
    // Whole numbers, of protocol 1.
    let whole = b"}q\0(U\x01a](K\x01K\x02eU\x01b](K\x03F4.5\neu.".as_slice();
    let read = read_files(&[("x.pkl", whole)], &Options::default()).unwrap();
    assert_eq!((read.format, read.values(1)), (Format::Gensim, vec![3.0, 4.5]));
    // Counts of phrases are no rows of words.
    let phrases = b"(dp0\nS'vocab'\n(dp1\nS'a'\nI4\nss.".as_slice();
    let error = read_as(phrases, Format::Gensim).unwrap_err().to_string();
    assert!(error.contains("this is a pickle of a dict, which has no words"), "{error}");
    // A list that holds itself, and one that holds another twice, again and again.
    for file in [b"(lp0\ng0\na.".as_slice(), b"(dp0\nS'wv'\ng0\ns.".as_slice()] {
        assert!(read_as(file, Format::Gensim).is_err());
    }
}
