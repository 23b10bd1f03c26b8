//! Rows that are written while a table is rebuilt, and indexes that are built meanwhile.

use super::*;

/// Many writers at once, with rebuilds among them: each sees its own write at once, and all of them
/// are there afterward.
#[test]
fn writers_at_once_lose_nothing_while_the_table_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    import(&engine, 3);
    let write = |writer: u8| {
        for number in 0..40_u8 {
            let word = format!("x{writer}-{number}");
            let vector = vec![f32::from(writer), f32::from(number), 1.0];
            let put = PutWord {
                word: word.clone().into_bytes(),
                vector: vector.clone(),
                attributes: Attributes::new(),
            };
            let mode = PutMode::InsertOnly;
            engine.put(&ask(PutQuery { words: vec![put], mode })).unwrap();
            let queries = vec![WordOrVector::Word(word)];
            let words = WordOptions::default();
            let query = LookupQuery { queries, unit: false, layout: Layout::default(), words };
            let found = engine.lookup(&ask(query)).unwrap().answer.vectors.remove(0).unwrap();
            assert_eq!(found.vector, vector);
            if number.is_multiple_of(8) {
                engine.build_index(&name(), None).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || write(writer));
        }
    });
    wait(&engine);
    assert!(engine.table(&name()).unwrap().meta.generation > 2, "it was rebuilt");
    let rows = |engine: &Engine| engine.table(&name()).unwrap().meta.row_count;
    assert_eq!(rows(&engine), 4 + 4 * 40);
    let engine = reopen(engine, folder.path());
    assert_eq!(rows(&engine), 4 + 4 * 40);
    engine.close();
}

/// A table that is large enough for a graph.
#[test]
fn a_rebuild_begins_by_itself_and_has_a_graph_and_a_build_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let vector = |i: u32| {
        let [x, y, z] = [7, 11, 13].map(|step| (i * step % 101) as f32 - 50.0);
        vec![x, y, z, i as f32 / 1_000.0]
    };
    let row = move |i| Ok((format!("w{i}").into_bytes(), vector(i), Attributes::new()));
    let rows = (0..10_100).map(row);
    engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    let status = || engine.table(&name()).unwrap();
    engine.cancel_build(&name()).unwrap();
    wait(&engine);
    // It may have been faster than the caller.
    assert!(matches!(status().index.state, IndexState::Stopped | IndexState::Ready));
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    let before = status();
    assert_eq!(before.index.state, IndexState::Ready);

    let put = |i: u32| PutWord {
        word: format!("w{i}").into_bytes(),
        vector: vector(i),
        attributes: Attributes::new(),
    };
    let write = |from: u32, to: u32| {
        let words = (from..to).map(put).collect();
        engine.put(&ask(PutQuery { words, mode: PutMode::InsertOnly })).unwrap();
    };
    write(20_000, 20_500);
    assert!(!status().index.is_under_way(), "few writes do not pay");
    write(20_500, 21_000);
    wait(&engine);
    write(21_000, 21_001);
    let after = status();
    assert!(after.meta.generation > before.meta.generation);
    assert_eq!((after.index.state, after.index.written_rows), (IndexState::Ready, 1));
    let check = |engine: &Engine| {
        for word in ["w20700", "w21000"] {
            let word = WordOrVector::Word(word.to_owned());
            let query = NearestQuery {
                exclude_inputs: false,
                min_similarity: Some(0.999_99),
                effort: Effort { ef_search: Some(100), ..Effort::default() },
                ..NearestQuery::new(vec![word.clone()], 1)
            };
            let answer = engine.nearest(&ask(query)).unwrap().answer;
            assert_ne!(answer.answered_by.kind, crate::index::IndexKind::Exact);
            assert_eq!(answer.neighbors.len(), 1);
        }
    };
    check(&engine);
    let engine = reopen(engine, folder.path());
    wait(&engine);
    check(&engine);
    engine.close();
}

#[test]
fn writers_wait_for_a_rebuild_that_is_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let row = |i: u32| Ok((format!("w{i}").into_bytes(), vec![1.0; 2_000], Attributes::new()));
    engine.import(&options(), Source::Rows(Box::new((0..9).map(row))), &mut |_| {}).unwrap();
    wait(&engine);
    let lineage = engine.shared.catalog.lineage(&name()).unwrap();
    // It waits for a turn that does not come.
    assert!(lineage.rebuild_wanted());
    let query = |from: u32, to: u32| {
        let word = |word: u32| PutWord {
            word: format!("x{word}").into_bytes(),
            vector: vec![1.0; 2_000],
            attributes: Attributes::new(),
        };
        ask(PutQuery { words: (from..to).map(word).collect(), mode: PutMode::Upsert })
    };
    engine.put(&query(0, 4_999)).unwrap();
    assert!(engine.takes_writes(&name()).unwrap());
    engine.put(&query(4_999, 5_000)).unwrap();
    assert!(!engine.takes_writes(&name()).unwrap(), "10,000,000 components");
    let error = engine.put(&query(5_000, 5_001)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Overloaded, "{error}");
    // Of two streams that waited, one writes first.
    engine.begin_awaited_put(&query(5_000, 5_001)).unwrap().wait().unwrap();
    // One that came to nothing holds nobody up.
    lineage.rebuild_ended(Err(None));
    engine.put(&query(5_001, 5_002)).unwrap();
    engine.close();
}

/// The index of few rows is not waited for while many are written.
#[test]
fn a_table_that_grows_faster_than_its_index_takes_in_its_rows_first() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let vector = |i: u32| vec![1.0, (i % 997) as f32, (i % 1_009) as f32];
    let row = move |i| Ok((format!("w{i}").into_bytes(), vector(i), Attributes::new()));
    let rows = (0..1_500).map(row);
    engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    let lineage = engine.shared.catalog.lineage(&name()).unwrap();
    let put = |i: u32| PutWord {
        word: format!("w{i}").into_bytes(),
        vector: vector(i),
        attributes: Attributes::new(),
    };
    assert!(!lineage.is_outgrown(1_500, 0));
    for part in [1_500..6_000, 6_000..10_500] {
        let words = part.map(put).collect();
        engine.put(&ask(PutQuery { words, mode: PutMode::InsertOnly })).unwrap();
    }
    wait(&engine);
    let status = engine.table(&name()).unwrap();
    assert_eq!(status.index.state, IndexState::Ready);
    assert!(status.index.written_rows < 1_000, "{} are compared", status.index.written_rows);
    assert_eq!(status.meta.row_count, 10_500);
    engine.close();
}

/// Rows are added while others write, and while a rebuild takes in what they write.
#[test]
fn rows_are_added_and_what_is_written_meanwhile_is_written_after() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut model = import(&engine, 9);
    put(&engine, &mut model, &[(15, [1, 2, 3])].into(), PutMode::Upsert);
    let writer = engine.clone();
    let vector = |word: u8| vec![f32::from(word), 1.0, 0.0];
    let rows = (20_u8..25).map(move |word| {
        if word == 22 {
            let put = |word: u8, vector| {
                let query = put_query(&[(word, vector)].into(), PutMode::Upsert);
                writer.put(&ask(query)).unwrap();
            };
            put(0, [3, 3, 3]);
            let queries = vec![WordOrVector::Word(text(1))];
            let query = DeleteQuery { queries, oov: OovPolicy::Error };
            writer.delete_words(&ask(query)).unwrap();
            writer.build_index(&name(), None).unwrap();
            wait(&writer);
            put(16, [1, 1, 1]);
        }
        Ok((text(word).into_bytes(), vector(word), Attributes::new()))
    });
    let adding = ImportOptions { if_exists: import::IfExists::Append, ..options() };
    let report = engine.import(&adding, Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    assert_eq!((report.rows_read, report.rows_kept), (5, 5));
    let word = |word: u8, vector| Word { text: text(word), vector, attributes: Attributes::new() };
    model.extend((20..25).map(|added| word(added, vector(added))));
    model[0].vector = vec![3.0; 3];
    model.remove(1);
    model.push(word(16, vec![1.0; 3]));
    check(&engine, &model);
    let engine = reopen(engine, folder.path());
    check(&engine, &model);
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    check(&engine, &model);
    // Another kind of index is kept by every generation from then on.
    engine.build_index(&name(), Some(IndexChoice::Hnsw)).unwrap();
    wait(&engine);
    check(&engine, &model);
    let engine = reopen(engine, folder.path());
    let query = put_query(&[(16, [0, 1, 0])].into(), PutMode::Upsert);
    engine.put(&ask(query)).unwrap();
    model.last_mut().unwrap().vector = vec![0.0, 1.0, 0.0];
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    check(&engine, &model);
    assert_eq!(engine.table(&name()).unwrap().meta.index, IndexChoice::Hnsw);
    engine.close();
}
