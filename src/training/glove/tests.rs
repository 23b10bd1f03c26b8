//! Tests of GloVe against counts by brute force and finite differences.

use std::collections::BTreeMap;

use super::*;
use crate::training::ids::END;
use crate::training::kernel::Cell;
use crate::training::tests::{contrast_of, corpus, kinds, stood};

fn spill() -> Spill {
    Box::new(|| tempfile::tempfile().map_err(Error::disk))
}

fn small() -> GloveSettings {
    GloveSettings { dim: 14, window: 4, x_max: 20.0, epochs: 15, ..GloveSettings::default() }
}

/// All counts by brute force.
fn oracle(corpus: &Corpus, window: usize) -> BTreeMap<[u32; 2], f32> {
    let (mut counts, mut ids) = (BTreeMap::new(), Vec::new());
    corpus.read(0, usize::MAX / 8, &mut ids).unwrap();
    for sentence in ids.split(|&id| id == END) {
        for (i, &a) in sentence.iter().enumerate() {
            for (distance, &b) in (1..=window).zip(&sentence[i + 1..]) {
                let both = if a == b { 2.0 } else { 1.0 };
                *counts.entry([a.min(b), a.max(b)]).or_insert(0.0) += both / distance as f32;
            }
        }
    }
    counts
}

#[test]
fn counts_are_those_of_brute_force_in_memory_and_in_files() {
    let mut random = SplitMix64(8);
    let words: Vec<String> = (0..3_000).map(|_| format!("w{}", random.below(60))).collect();
    let lines: Vec<String> = words.chunks(10).map(|words| words.join(" ")).collect();
    let corpus = corpus(&lines.join("\n"));
    let expected = oracle(&corpus, 4);
    let mut orders = Vec::new();
    for counts_bytes in [1 << 20, 8_000, 0] {
        let settings = GloveSettings { counts_bytes, x_max: 1e9, power: 1.0, ..small() };
        let mut order = counts::count(&corpus, &settings, &mut spill(), &mut || Ok(())).unwrap();
        let mut cells: Vec<Cell> = Vec::new();
        for block in 0..order.blocks() {
            cells.extend_from_slice(order.block(block).unwrap());
        }
        let again = order.block(0).unwrap().to_vec();
        assert_eq!(again, cells[..again.len()], "a block has the same order each time");
        assert_eq!(cells.len() as u64, order.len());
        assert_eq!(cells.len(), expected.len(), "each pair stands in one cell");
        for cell in &cells {
            let count = expected[&cell.words];
            assert!((cell.log.exp() - count).abs() < count * 1e-4, "{cell:?}: {count}");
            assert!((cell.weight * 1e9 - count).abs() < count * 1e-4, "{cell:?}: {count}");
        }
        orders.push((order.blocks(), cells.first().map(|cell| cell.words)));
    }
    assert!(orders[0].0 == 1 && orders[1].0 > 1, "{orders:?}");
}

#[test]
fn every_kind_learns_a_cell_along_its_slope() {
    let settings = small();
    let (dim, part) = (settings.dim, settings.part());
    let cell = Cell { words: [0, 1], log: 1.7, weight: 0.6 };
    let loss = |rows: &Rows| -> f64 {
        let product = |a: usize, b: usize| -> f64 {
            let (a, b) = (&rows.row(a)[..part], &rows.row(b)[2 * part..3 * part]);
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let off = |product: f64| 0.5 * 0.6 * (product - f64::from(cell.log)).powi(2);
        off(product(0, 1)) + off(product(1, 0))
    };
    let before = begin(2, &settings).unwrap();
    for kind in Kind::all() {
        let mut rows = begin(2, &settings).unwrap();
        let kernels = Kernels::new(kind, part);
        let mut cells = Cells { learned: &[cell], rows: rows.pointers(), lr: 1e-2 };
        let told = kernels.cells(&mut cells);
        assert!((told - loss(&before)).abs() < 1e-3, "{kind:?}: {told}");
        for word in 0..2 {
            for at in [0, 2 * part] {
                for i in at..at + dim + 2 {
                    let mut moved = [begin(2, &settings).unwrap(), begin(2, &settings).unwrap()];
                    moved[0].row_mut(word)[i] += 1e-2;
                    moved[1].row_mut(word)[i] -= 1e-2;
                    let slope = (loss(&moved[0]) - loss(&moved[1])) / 2e-2;
                    let learned = -f64::from(rows.row(word)[i] - before.row(word)[i]) / 1e-2;
                    let is_one = i == if at == 0 { dim + 1 } else { 2 * part + dim };
                    let expected = if is_one { 0.0 } else { slope };
                    assert!((expected - learned).abs() < 5e-3, "{kind:?} {i}: {slope} {learned}");
                }
            }
        }
    }
}

#[test]
fn words_that_stand_together_become_alike() {
    let corpus = kinds();
    for counts_bytes in [1 << 20, 0] {
        let settings = GloveSettings { counts_bytes, ..small() };
        let one = train(&corpus, &settings, (spill(), None), &mut |_| Ok(Go::On)).unwrap();
        let found = contrast_of(&corpus, |word| one.vector(word));
        assert!(found > 0.4, "{counts_bytes}: {found}");
        assert!(one.losses[14] < one.losses[0] / 2.0, "{:?}", one.losses);
        let again = train(&corpus, &settings, (spill(), None), &mut |_| Ok(Go::On)).unwrap();
        assert!(one.rows.floats() == again.rows.floats());
    }
}

#[test]
fn what_was_interrupted_goes_on_as_if_it_had_not_been() {
    let corpus = kinds();
    for counts_bytes in [1 << 20, 0] {
        let settings = GloveSettings { counts_bytes, epochs: 3, ..small() };
        let whole = train(&corpus, &settings, (spill(), None), &mut |_| Ok(Go::On)).unwrap();
        // Some looks are at counting.
        let stand = |watch: &mut Watch<'_>| {
            let mut skipping = |progress: &Progress<'_>| {
                if progress.epoch == 0 { Ok(Go::On) } else { watch(progress) }
            };
            train(&corpus, &settings, (spill(), None), &mut skipping).map(drop)
        };
        let file = stood(2, stand);
        let saved = Some(Saved::new(&file));
        let resumed = train(&corpus, &settings, (spill(), saved), &mut |_| Ok(Go::On)).unwrap();
        assert!(resumed.rows.floats() == whole.rows.floats(), "{counts_bytes}");
        assert_eq!(resumed.losses, whole.losses);
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_that_says_why() {
    let fails = |corpus: &Corpus, settings: &GloveSettings| {
        train(corpus, settings, (spill(), None), &mut |_| Ok(Go::On)).unwrap_err().to_string()
    };
    let alone = fails(&corpus("a\nb\na"), &small());
    assert!(alone.contains("no two of its words"), "{alone}");
    let wrong = GloveSettings {
        dim: 0,
        window: 0,
        epochs: 0,
        lr: -1.0,
        x_max: 0.0,
        power: -1.0,
        ..small()
    };
    let error = fails(&corpus("a b"), &wrong);
    for field in ["dim", "window", "epochs", "lr", "x_max", "power"] {
        assert!(error.contains(&format!("{field}: ")), "{field}: {error}");
    }
    let error = fails(&kinds(), &GloveSettings { lr: 1e20, ..small() });
    assert!(error.contains("lower learning rate"), "{error}");
    let stop = &mut |_: &Progress<'_>| Err(Error::new(ErrorKind::Cancelled));
    assert!(train(&kinds(), &small(), (spill(), None), stop).is_err());
}
