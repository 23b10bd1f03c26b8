//! Names that many change at once, and tables that are swapped under questions.

use super::*;

/// What somebody does with names, each of which may be a table's or an alias's.
#[derive(Clone, Debug)]
enum NameStep {
    /// Tables are told apart by their dimension, which no other has.
    Create(TableName, u32),
    Copy(TableName, TableName),
    Rename(TableName, TableName),
    Delete(TableName),
    SetAlias(TableName, TableName),
    RemoveAlias(TableName),
    Ask(TableName),
}

/// Tables with their dimensions, and aliases with their tables.
#[derive(Clone, Debug, Default, PartialEq)]
struct NameModel {
    tables: BTreeMap<TableName, u32>,
    aliases: BTreeMap<TableName, TableName>,
}

impl NameModel {
    fn of(engine: &Engine) -> Self {
        let tables = engine.tables().into_iter().map(|table| (table.meta.name, table.meta.dim));
        let aliases = engine.aliases().into_iter().map(|alias| (alias.name, alias.table));
        Self { tables: tables.collect(), aliases: aliases.collect() }
    }

    fn table(&self, name: &TableName) -> TableName {
        self.aliases.get(name).unwrap_or(name).clone()
    }

    fn is_free(&self, name: &TableName) -> bool {
        !self.tables.contains_key(name) && !self.aliases.contains_key(name)
    }

    /// What a step tells, and the dimension that it tells with it; none if it is refused.
    fn take(&mut self, step: &NameStep) -> Option<u32> {
        match step {
            NameStep::Create(name, dim) => {
                self.is_free(name).then(|| self.tables.insert(name.clone(), *dim));
                (self.tables.get(name) == Some(dim)).then_some(*dim)
            }
            NameStep::Copy(of, name) => {
                let dim = *self.tables.get(&self.table(of))?;
                self.is_free(name).then(|| self.tables.insert(name.clone(), dim)).map(|_| dim)
            }
            NameStep::Rename(old, name) => {
                let old = self.table(old);
                if !self.is_free(name) {
                    return None;
                }
                let dim = self.tables.remove(&old)?;
                self.tables.insert(name.clone(), dim);
                let named = self.aliases.values_mut().filter(|of| **of == old);
                named.for_each(|of| *of = name.clone());
                Some(dim)
            }
            NameStep::Delete(name) => {
                let table = self.table(name);
                let is_named = self.aliases.values().any(|of| *of == table);
                if is_named { None } else { self.tables.remove(&table) }
            }
            NameStep::SetAlias(alias, table) => {
                let table = self.table(table);
                let dim = *self.tables.get(&table)?;
                if self.tables.contains_key(alias) {
                    return None;
                }
                self.aliases.insert(alias.clone(), table);
                Some(dim)
            }
            NameStep::RemoveAlias(alias) => {
                let table = self.aliases.remove(alias)?;
                self.tables.get(&table).copied()
            }
            NameStep::Ask(name) => self.tables.get(&self.table(name)).copied(),
        }
    }
}

/// What a step told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum NameTold {
    Dim(u32),
    /// The model says which steps are.
    Refused,
    /// Another step that was under way had the same name: any may meet one.
    Met,
}

type NameSteps = [(NameStep, NameTold)];

fn take_name(engine: &Engine, step: &NameStep) -> NameTold {
    let dim_of = |status: TableStatus| status.meta.dim;
    let told = match step {
        NameStep::Create(name, dim) => {
            let options = life::CreateOptions {
                table: name.clone(),
                dim: *dim as usize,
                dtype: crate::vector::Dtype::F32,
                residence: crate::table::meta::Residence::Memory,
                index: IndexChoice::Auto,
                tokenizer: None,
                license: String::new(),
                created_at: 0,
            };
            engine.create(&options).map(dim_of)
        }
        NameStep::Copy(of, name) => engine.copy(of, name).map(dim_of),
        NameStep::Rename(old, name) => engine.rename(old, name).map(dim_of),
        NameStep::Delete(name) => {
            engine.delete(std::slice::from_ref(name)).map(|mut deleted| dim_of(deleted.remove(0)))
        }
        // The table may be another one a moment later: what it was the model knows.
        NameStep::SetAlias(alias, table) => engine.set_alias(alias, table).map(|_| 0),
        NameStep::RemoveAlias(alias) => engine.remove_alias(alias).map(|_| 0),
        NameStep::Ask(name) => engine.table(name).map(dim_of),
    };
    let error = match told {
        Ok(dim) => return NameTold::Dim(dim),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::Conflict { .. }) {
        return NameTold::Met;
    }
    let is_refused = matches!(
        error.kind(),
        ErrorKind::TableNotFound { .. }
            | ErrorKind::TableExists { .. }
            | ErrorKind::AliasExists { .. }
            | ErrorKind::AliasNotFound { .. }
            | ErrorKind::Unsuited { .. }
    );
    assert!(is_refused, "{step:?}: {error:?}");
    NameTold::Refused
}

/// Whether some order of the steps, in which each thread's are in its own, tells what they told and
/// ends as the engine did.
fn is_explained(model: &NameModel, threads: &[&NameSteps], end: &NameModel) -> bool {
    if threads.iter().all(|steps| steps.is_empty()) {
        return model == end;
    }
    (0..threads.len()).any(|thread| {
        let Some(((step, told), rest)) = threads[thread].split_first() else { return false };
        let mut after = model.clone();
        if *told != NameTold::Met {
            let shows = !matches!(step, NameStep::SetAlias(..) | NameStep::RemoveAlias(_));
            let taken = after.take(step).map_or(NameTold::Refused, NameTold::Dim);
            let are_done = taken != NameTold::Refused && *told != NameTold::Refused;
            if taken != *told && (shows || !are_done) {
                return false;
            }
        }
        let mut threads = threads.to_vec();
        threads[thread] = rest;
        is_explained(&after, &threads, end)
    })
}

#[test]
fn names_that_many_change_at_once_mean_what_some_order_of_the_changes_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    let names = ["a", "b", "c"].map(|name| TableName::try_from(name.to_owned()).unwrap());
    let mut random = crate::vector::random::SplitMix64(2026);
    let mut dim = 0;
    let mut model = NameModel::default();
    for round in 0..60 {
        let mut draw = || {
            let [one, other] = [0; 2].map(|_| names[random.index_below(3)].clone());
            dim += 1;
            match random.index_below(8) {
                0 | 1 => NameStep::Create(one, dim),
                2 => NameStep::Copy(one, other),
                3 => NameStep::Rename(one, other),
                4 => NameStep::Delete(one),
                5 => NameStep::SetAlias(one, other),
                6 => NameStep::RemoveAlias(one),
                _ => NameStep::Ask(one),
            }
        };
        let steps: Vec<Vec<NameStep>> = (0..3).map(|_| (0..2).map(|_| draw()).collect()).collect();
        let told: Vec<Vec<_>> = std::thread::scope(|scope| {
            let take = |steps: &Vec<NameStep>| {
                let (engine, steps) = (engine.clone(), steps.clone());
                scope.spawn(move || {
                    let told = |step: NameStep| {
                        let told = take_name(&engine, &step);
                        (step, told)
                    };
                    steps.into_iter().map(told).collect()
                })
            };
            let threads: Vec<_> = steps.iter().map(take).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let end = NameModel::of(&engine);
        let threads: Vec<_> = told.iter().map(Vec::as_slice).collect();
        assert!(is_explained(&model, &threads, &end), "{round}: {model:?}: {told:?}: {end:?}");
        model = end;
        if round % 20 == 19 {
            engine = reopen(engine, folder.path());
            assert_eq!(NameModel::of(&engine), model, "{round}");
        }
    }
    engine.close();
}

/// An alias is swapped between two tables while many ask: each answer is of one of them alone.
#[test]
fn an_alias_that_is_swapped_under_questions_never_mixes_two_tables() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let named = |name: &str| TableName::try_from(name.to_owned()).unwrap();
    let tables = [named("blue"), named("green")];
    for (table, sign) in tables.iter().zip([1.0, -1.0]) {
        let vector = move |i: u8| vec![sign * (f32::from(i) + 1.0), sign, sign];
        let rows = (0..20).map(move |i| Ok((text(i).into_bytes(), vector(i), Attributes::new())));
        let options = ImportOptions { table: table.clone(), ..options() };
        engine.import(&options, Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    }
    let alias = named("live");
    engine.set_alias(&alias, &tables[0]).unwrap();
    let is_over = AtomicBool::new(false);
    let ask_on = || {
        let mut answers = [0; 2];
        while !is_over.load(Ordering::Relaxed) {
            let queries = (0..20).map(|word| WordOrVector::Word(text(word))).collect();
            let query = LookupQuery {
                queries,
                unit: false,
                layout: Layout::default(),
                words: WordOptions::default(),
            };
            let found = engine.lookup(&Ask { table: alias.clone(), query }).unwrap();
            let of = tables.iter().position(|table| *table == found.of.table).unwrap();
            let sign = [1.0, -1.0][of];
            let vectors = found.answer.vectors.into_iter().flatten();
            let is_of = |found: crate::query::lookup::WordVector| found.vector[1] * sign > 0.0;
            assert!(vectors.into_iter().all(is_of), "{}", found.of.table);
            answers[of] += 1;
        }
        answers
    };
    let answers = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4).map(|_| scope.spawn(ask_on)).collect();
        for swap in 1..=100 {
            engine.set_alias(&alias, &tables[swap % 2]).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        let answers = askers.into_iter().map(|asker| asker.join().unwrap());
        answers.fold([0, 0], |sum, of| [sum[0] + of[0], sum[1] + of[1]])
    });
    assert!(answers[0] > 0 && answers[1] > 0, "{answers:?}");
    engine.close();
}
