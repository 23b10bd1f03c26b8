//! Stories about the whole partition.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::container::{Container, Writer};
use crate::error::ErrorKind;
use crate::index::live::Live;
use crate::index::partition::{self, Partition, file};
use crate::index::tests::{Unwatched, clustered, naive, table_of};
use crate::index::{Index, IndexKind, Search, SearchParams, Watch};
use crate::table::Table;
use crate::table::change::Change;
use crate::table::view::View;
use crate::vector::row_set::RowSet;
use crate::vector::top::Near;
use crate::vector::{RowId, algebra};

fn build(rows: &[Vec<f32>]) -> (Arc<Table>, Partition) {
    let table = Arc::new(table_of(rows));
    let partition = partition::build(&table, 2, &Unwatched).unwrap();
    (table, partition)
}

fn bytes_of(partition: &Partition) -> Vec<u8> {
    let mut out = Writer::new(Vec::new(), file::KIND, 5).unwrap();
    file::write(partition, &mut out).unwrap();
    out.finish().unwrap().0
}

fn container(bytes: &[u8]) -> crate::error::Result<Container> {
    Container::open(Arc::new(bytes.to_vec()), "the partition".to_owned(), file::KIND)
}

fn load(table: &Arc<Table>, bytes: &[u8]) -> crate::error::Result<Partition> {
    file::read(Arc::clone(table), &container(bytes)?)
}

fn mean(table: &Table, a: usize, b: usize) -> Vec<f32> {
    let [a, b] = [a, b].map(|row| table.unit(RowId::try_from(row).unwrap()));
    let sum: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
    algebra::unit(&sum).unwrap()
}

/// How many of the right rows are among those found.
fn found(nears: &[Near], truth: &[Near]) -> usize {
    nears.iter().filter(|near| truth.contains(near)).count()
}

#[test]
fn it_finds_nearly_all_and_more_the_further_it_looks() {
    let (table, partition) = build(&clustered(6_000, 32, 1));
    let mut shares = Vec::new();
    for ef in [16, 64, 180] {
        let mut right = 0;
        for i in 0..100 {
            let query = mean(&table, i * 37, i * 53 + 1);
            let answer = partition.search(&query, &SearchParams::new(10, ef));
            assert_eq!(answer.by, IndexKind::Partition);
            assert!(answer.nears.len() == 10 && answer.nears.is_sorted());
            right += found(&answer.nears, &naive(&table, &query, 10, &[]));
        }
        shares.push(right);
    }
    assert!(shares.is_sorted() && shares[0] > 750 && shares[2] > 960, "{shares:?} of 1000");
    let asked = [0.5, 0.9].map(|recall| partition.ef_search_for(recall).unwrap());
    assert!(asked[0] <= asked[1] && partition.default_ef_search() >= 64);
    assert_eq!(partition.ef_search_for(1.1), None);
}

#[test]
fn lists_answer_for_rows_and_prove_answers_near_them() {
    let (table, partition) = build(&clustered(3_000, 16, 5));
    assert!(partition.wants_lists() && !partition.has_lists());
    let row = RowId(77);
    let params = SearchParams { row: Some(row), ..SearchParams::new(10, 64) };
    assert_ne!(partition.search(&table.unit(row), &params).by, IndexKind::List);
    partition.join_lists(partition.find_lists(2, &Unwatched).unwrap());
    assert!(!partition.wants_lists());
    for row in (0..3_000).step_by(100).map(RowId) {
        let query = table.unit(row);
        let truth = naive(&table, &query, 10, &[]);
        let by_row = SearchParams { row: Some(row), ..SearchParams::new(10, 16) };
        let free = SearchParams::new(10, 16);
        let batch = vec![Search { query: &query, params: free }; 100];
        let mut answers = partition.search_batch(&batch);
        answers.extend([&by_row, &free].map(|params| partition.search(&query, params)));
        for answer in answers {
            assert_eq!((answer.by, &answer.nears), (IndexKind::List, &truth), "row {row}");
        }
    }
}

#[test]
fn many_questions_together_are_answered_as_well_as_each_alone() {
    let (table, partition) = build(&clustered(6_000, 70, 9));
    let queries: Vec<Vec<f32>> = (0..300).map(|i| mean(&table, i * 17, i * 19 + 5)).collect();
    let mut even = RowSet::none(6_000);
    (0..6_000).step_by(2).for_each(|row| _ = even.insert(RowId(row)));
    let exclude = [RowId(4), RowId(14)];
    let search = |(i, query)| {
        let params = SearchParams {
            exact: i % 3 == 0,
            allowed: (i % 4 == 1).then_some(&even),
            exclude: if i % 5 == 0 { &exclude } else { &[] },
            ..SearchParams::new([10, 1, 0, 33][i % 4], 64)
        };
        Search { query, params }
    };
    let searches: Vec<Search<'_>> =
        queries.iter().map(Vec::as_slice).enumerate().map(search).collect();
    let (mut alone, mut together, mut wanted) = (0, 0, 0);
    for (search, answer) in searches.iter().zip(partition.search_batch(&searches)) {
        let params = SearchParams { exact: true, ..search.params };
        let truth = partition.search(search.query, &params).nears;
        let single = partition.search(search.query, &search.params);
        if search.params.exact {
            assert_eq!(answer.nears, truth);
        }
        assert_eq!(answer.nears.len(), truth.len());
        assert!(answer.nears.iter().all(|near| search.params.may_answer(near.row)));
        alone += found(&single.nears, &truth);
        together += found(&answer.nears, &truth);
        wanted += truth.len();
    }
    assert!(together * 100 >= alone * 99, "{together} and {alone} of {wanted}");
}

#[test]
fn filters_and_exclusions_hold_and_as_many_rows_come_as_asked() {
    let (table, partition) = build(&clustered(12_000, 16, 3));
    let query = mean(&table, 17, 18);
    let all = naive(&table, &query, 12_000, &[]);
    let exclude: Vec<RowId> = all.iter().take(50).map(|near| near.row).collect();
    let params = SearchParams { exclude: &exclude, ..SearchParams::new(5, 64) };
    let answer = partition.search(&query, &params).nears;
    assert!(answer.len() == 5 && answer.iter().all(|near| !exclude.contains(&near.row)));
    // Rows at random, and those that are far from the question.
    let far: Vec<RowId> = all[1_000..].iter().map(|near| near.row).collect();
    let third: Vec<RowId> = (0..12_000).step_by(3).map(RowId).collect();
    for rows in [third, far] {
        let mut allowed = RowSet::none(12_000);
        for row in rows {
            allowed.insert(row);
        }
        let params = SearchParams { allowed: Some(&allowed), ..SearchParams::new(10, 128) };
        let answer = partition.search(&query, &params);
        let truth: Vec<Near> =
            all.iter().copied().filter(|near| allowed.has(near.row)).take(10).collect();
        assert_eq!(answer.nears.len(), 10);
        assert!(answer.nears.iter().all(|near| allowed.has(near.row)));
        assert!(found(&answer.nears, &truth) >= 8, "{answer:?} {truth:?}");
    }
    assert_eq!(partition.search(&query, &SearchParams::new(0, 64)).nears, []);
    assert_eq!(partition.search(&query, &SearchParams::new(usize::MAX, 64)).nears, all);
}

#[test]
fn a_part_of_the_rows_is_found_as_well_as_all_of_them() {
    let (table, partition) = build(&clustered(12_000, 16, 3));
    let mut parts = [RowSet::all(12_000), RowSet::none(12_000), RowSet::none(12_000)];
    for row in 0..12_000 {
        for (part, one_of) in parts.iter_mut().zip([1, 2, 5]).skip(1) {
            if ((row * 2_654_435_761_usize) >> 7).is_multiple_of(one_of) {
                part.insert(RowId::try_from(row).unwrap());
            }
        }
    }
    let shares = parts.each_ref().map(|part| {
        let mut right = 0;
        for i in 0..60 {
            let query = mean(&table, i * 7, i * 131);
            let params = SearchParams { allowed: Some(part), ..SearchParams::new(10, 32) };
            let truth = partition.search_exact(&query, &params).nears;
            right += found(&partition.search(&query, &params).nears, &truth);
        }
        right
    });
    assert!(shares[0] >= 480 && shares.iter().all(|&share| share + 12 >= shares[0]), "{shares:?}");
}

#[test]
fn any_number_of_equal_rows_is_one_and_all_are_found() {
    let mut rows = clustered(3_000, 16, 6);
    let groups = clustered(6, 16, 77);
    for (i, group) in groups.iter().enumerate() {
        let scaled = |j: usize| -> Vec<f32> {
            let by = if i % 2 == 1 { 0.5 + j as f32 / 300.0 } else { 1.0 };
            group.iter().map(|value| value * by).collect()
        };
        rows.extend((0..[2_300, 600, 20][i % 3]).map(scaled));
    }
    rows.extend((0..2_100).map(|_| vec![0.0; 16]));
    let (table, partition) = build(&rows);
    let again = load(&table, &bytes_of(&partition)).unwrap();
    let mut even = RowSet::none(rows.len());
    (0..).take(rows.len() / 2).for_each(|row| _ = even.insert(RowId(2 * row)));
    for partition in [&partition, &again] {
        for (i, group) in groups.iter().enumerate() {
            let query = algebra::unit(group).unwrap();
            for allowed in [None, Some(&even)] {
                let params = SearchParams { allowed, ..SearchParams::new(10, 16) };
                let answer = partition.search(&query, &params);
                assert_eq!(answer.by, IndexKind::Partition);
                assert!(answer.nears.iter().all(|near| near.similarity > 0.999_99), "{i}");
                if i % 2 == 0 && allowed.is_none() {
                    let truth = naive(&table, &query, 10, &[]);
                    assert_eq!(answer.nears, truth, "the first of equal rows come first");
                }
            }
        }
    }
}

#[test]
fn deleted_rows_take_away_neither_their_equals_nor_proofs_nor_exact_answers() {
    let mut rows = clustered(3_000, 16, 6);
    rows.extend(vec![clustered(1, 16, 77)[0].clone(); 2_300]);
    let (table, partition) = build(&rows);
    partition.join_lists(partition.find_lists(2, &Unwatched).unwrap());
    let deletes: Vec<Change> = (3_000..3_040)
        .chain([5, 1_234])
        .map(|row| Change::Delete { word: table.word(RowId(row)).to_vec() })
        .collect();
    let view = View::new(Arc::clone(&table), 0).after(&deletes).unwrap();
    let live = Live::new(&partition, &view);
    let (query, params) = (table.unit(RowId(3_000)), SearchParams::new(10, 16));
    let found: Vec<RowId> =
        live.search(&query, &params).nears.iter().map(|near| near.row).collect();
    assert_eq!(found, (3_040..3_050).map(RowId).collect::<Vec<_>>());
    // What is nearly a row's direction is proven by its list, whether the row is there or not.
    let mut proven = 0;
    for row in [5, 100, 1_000, 1_234, 2_000].map(RowId) {
        let query = table.unit(row);
        let answer = live.search(&query, &SearchParams::new(5, 16));
        let exact = SearchParams { exact: true, ..SearchParams::new(5, 16) };
        let truth: Vec<Near> =
            naive(&table, &query, 50, &[]).into_iter().filter(|near| view.has(near.row)).collect();
        assert_eq!(live.search(&query, &exact).nears, truth[..5]);
        if answer.by == IndexKind::List {
            assert_eq!(answer.nears, truth[..5]);
            proven += 1;
        }
    }
    assert_eq!(proven, 5);
}

#[test]
fn excluded_words_and_questions_that_point_away_cost_no_neighbors() {
    // All rows lean to one side, so that the opposite is far from all of them.
    let mut rows = clustered(6_000, 32, 1);
    for row in &mut rows {
        row[0] += 6.0;
    }
    let (table, partition) = build(&rows);
    let mut right = 0;
    for i in 0..100 {
        let (a, b) = (i * 37, i * 53 + 1);
        let exclude = [a, b].map(|row| RowId(u32::try_from(row).unwrap()));
        let query = mean(&table, a, b);
        let params = SearchParams { exclude: &exclude, ..SearchParams::new(1, 64) };
        let answer = partition.search(&query, &params);
        assert_eq!(answer.by, IndexKind::Partition, "no row had to be compared but those found");
        right += found(&answer.nears, &naive(&table, &query, 1, &exclude));
    }
    assert!(right >= 90, "{right} of 100");
    let mut right = 0;
    for i in 0..20 {
        let away: Vec<f32> = mean(&table, i * 31, i * 57 + 3).iter().map(|value| -value).collect();
        let answer = partition.search(&away, &SearchParams::new(10, 64)).nears;
        assert_eq!(answer.len(), 10);
        assert!(answer[0].similarity < 0.0);
        right += found(&answer, &naive(&table, &away, 10, &[]));
    }
    assert!(right >= 190, "{right} of 200 far away");
}

#[test]
fn a_table_of_nothing_but_equal_rows_is_indexed() {
    for row in [vec![1.0, 2.0, 3.0], vec![0.0; 3]] {
        let (table, partition) = build(&vec![row; 3_000]);
        let query = algebra::unit(&[3.0, 2.0, 1.0]).unwrap();
        let answer = partition.search(&query, &SearchParams::new(5, 16)).nears;
        assert_eq!(answer, naive(&table, &query, 5, &[]));
    }
}

#[test]
fn rows_of_any_length_and_number_are_indexed() {
    for (count, dim) in [(1, 5), (2, 1), (40, 3), (700, 2), (600, 130), (300, 600)] {
        let (table, partition) = build(&clustered(count, dim, 8));
        let query = mean(&table, 0, count - 1);
        for k in [1, 10] {
            let answer = partition.search(&query, &SearchParams::new(k, 64)).nears;
            assert_eq!(answer, naive(&table, &query, k, &[]), "{count} rows of {dim}");
        }
    }
}

#[test]
fn the_same_rows_give_the_same_file_whatever_the_threads_and_the_file_the_same_partition() {
    let (table, partition) = build(&clustered(2_500, 20, 4));
    let bytes = bytes_of(&partition);
    let by_one = partition::build(&table, 1, &Unwatched).unwrap();
    assert!(bytes == bytes_of(&by_one), "one thread builds another");
    let again = load(&table, &bytes).unwrap();
    assert!(bytes == bytes_of(&again), "the file read differs");
    let (query, params) = (mean(&table, 3, 8), SearchParams::new(5, 40));
    assert_eq!(again.search(&query, &params), partition.search(&query, &params));
    assert!(load(&Arc::new(table_of(&clustered(2_501, 20, 4))), &bytes).is_err());
    assert!(load(&Arc::new(table_of(&clustered(2_500, 21, 4))), &bytes).is_err());
}

#[test]
fn a_damaged_file_is_refused_and_never_believed() {
    let (table, partition) = build(&clustered(70, 3, 2));
    let bytes = bytes_of(&partition);
    for end in (0..bytes.len()).step_by(7) {
        let error = load(&table, &bytes[..end]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{end} bytes: {error}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x5a;
        match load(&table, &flipped) {
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}"),
            // Between sections nothing is read.
            Ok(again) => assert!(bytes[at] == 0 && bytes_of(&again) == bytes, "byte {at}"),
        }
    }
}

#[test]
fn a_file_with_right_checksums_and_wrong_numbers_is_refused_or_harmless() {
    const SECTIONS: [&str; 8] =
        ["head", "turns", "centers", "leaves", "slots", "codes", "equals", "measures"];
    let mut rows = clustered(70, 3, 2);
    rows.extend(vec![vec![1.0, 0.5, 0.25]; 40]);
    let (table, partition) = build(&rows);
    let good = container(&bytes_of(&partition)).unwrap();
    let forged = |section: &str, at: usize, word: u32| -> Option<Vec<u8>> {
        let mut out = Writer::new(Vec::new(), file::KIND, 5).unwrap();
        for name in SECTIONS {
            let mut bytes = good.section(name).unwrap().read().unwrap();
            if name == section {
                bytes.get_mut(at..at + 4)?.copy_from_slice(&word.to_le_bytes());
            }
            out.section(name, 1 << 10).unwrap();
            out.write(&bytes).unwrap();
        }
        Some(out.finish().unwrap().0)
    };
    let (mut accepted, mut tried) = (0, 0);
    for section in SECTIONS {
        // A few hundred places of each.
        let words = good.section(section).unwrap().read().unwrap().len() / 4;
        for at in (0..).step_by(4 * (words / 200).max(1)) {
            let words = [0, 1, 71, 109, 110, u32::MAX - 1, u32::MAX, f32::NAN.to_bits()];
            for word in words {
                let Some(bytes) = forged(section, at, word) else { break };
                tried += 1;
                if let Ok(partition) = load(&table, &bytes) {
                    accepted += 1;
                    let answer = partition.search(&table.unit(RowId(0)), &SearchParams::new(3, 1));
                    assert_eq!(answer.nears.len(), 3, "{section} {at} {word}");
                    let mut rows: Vec<RowId> = answer.nears.iter().map(|near| near.row).collect();
                    rows.dedup();
                    assert_eq!(rows.len(), 3, "{section} {at} {word}");
                }
            }
            if forged(section, at, 0).is_none() {
                break;
            }
        }
    }
    assert!(accepted > tried / 8 && accepted < tried, "{accepted} of {tried} accepted");
}

#[test]
fn a_build_stops_when_told() {
    struct StopAfter {
        looks: usize,
        seen: AtomicUsize,
    }
    impl Watch for StopAfter {
        fn progress(&self, share: f32) {
            assert!((0.0..=1.0).contains(&share), "{share}");
        }

        fn is_cancelled(&self) -> bool {
            self.seen.fetch_add(1, Ordering::Relaxed) >= self.looks
        }
    }
    let table = Arc::new(table_of(&clustered(3_500, 4, 1)));
    let mut looks = 0;
    loop {
        let watch = StopAfter { looks, seen: AtomicUsize::new(0) };
        match partition::build(&table, 1, &watch) {
            Err(error) => assert_eq!(error.kind(), &ErrorKind::Cancelled),
            Ok(_) => break,
        }
        // Every early moment, and ever fewer of the later ones.
        looks += 1 + looks / 2;
    }
    assert!(looks > 20, "{looks}");
}
