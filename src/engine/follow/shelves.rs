//! What stands on the shelves of what is followed: tokenizers, test sets and language models.

use std::collections::BTreeSet;

use crate::engine::follow::{Following, is_of_one};
use crate::engine::test_sets::NewTestSet;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::test_set::TestSetKind;
use crate::store::publish::{Publication, Thing};
use crate::table::meta::TableName;
use crate::text::spec::{Kind, Spec};

impl Following {
    /// Brings what stands on the shelves there: tokenizers first, which tables need.
    pub(super) fn shelf(
        &mut self,
        publication: &Publication,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let mut hybrids = Vec::new();
        for (thing, name, digest) in publication.shelf() {
            let key = thing.key(name);
            if self.mark.shelf.get(&key).is_some_and(|had| had == digest) {
                continue;
            }
            match self.thing(publication, thing, name, &mut hybrids) {
                Ok(()) => _ = self.mark.shelf.insert(key, digest.to_owned()),
                Err(error) if is_of_one(&error) => problems.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        // After what they are made of.
        for (name, spec) in hybrids {
            if let Err(error) = self.engine.put_tokenizer(&name, &spec, true) {
                self.mark.shelf.remove(&Thing::Tokenizer.key(&name));
                problems.push(error.to_string());
            }
        }
        Ok(())
    }

    fn thing(
        &self,
        publication: &Publication,
        thing: Thing,
        name: &TableName,
        hybrids: &mut Vec<(TableName, Spec)>,
    ) -> Result<()> {
        let (engine, target, list) = (&self.engine, &*self.target, publication.list());
        match thing {
            Thing::Tokenizer => {
                let spec = list.tokenizer(target, name)?;
                if matches!(spec.kind, Kind::Hybrid { .. }) {
                    hybrids.push((name.clone(), spec));
                    return Ok(());
                }
                engine.put_tokenizer(name, &spec, true).map(drop)
            }
            Thing::TestSet => {
                let (head, file) = list.test_set(target, name)?;
                let kind = TestSetKind::of_name(&head.kind).ok_or_else(|| {
                    let what = format!("test set {name}, of the kind {:?},", head.kind);
                    Error::new(ErrorKind::Unsupported { what })
                })?;
                let (name, source) = (name.clone(), head.source);
                let set = NewTestSet { name, kind, file, source, replace: true };
                engine.put_test_set(&set).map(drop)
            }
            Thing::Model => engine.restore_model((target, list), name, true),
        }
    }

    /// Removes from the shelves what is here alone.
    pub(super) fn clear_shelves(&mut self, publication: &Publication) -> Result<()> {
        let (engine, store) = (&self.engine, &self.engine.shared.store);
        let wanted: BTreeSet<String> =
            publication.shelf().map(|(thing, name, _)| thing.key(name)).collect();
        let mut here: Vec<(Thing, TableName)> = Vec::new();
        // What is made of tokenizers goes before them.
        here.extend(store.models()?.into_iter().map(|(name, _)| (Thing::Model, name)));
        here.extend(store.test_sets()?.into_iter().map(|name| (Thing::TestSet, name)));
        here.extend(store.tokenizers()?.into_iter().map(|(name, _)| (Thing::Tokenizer, name)));
        for (thing, name) in here {
            let key = thing.key(&name);
            if wanted.contains(&key) {
                continue;
            }
            let deleted = match thing {
                Thing::Model => engine.delete_model(&name),
                Thing::TestSet => engine.delete_test_set(&name),
                Thing::Tokenizer => engine.delete_tokenizer(name.as_str()),
            };
            match deleted {
                // Something that is damaged there, and stays here, may need it.
                Err(error) if is_of_one(&error) => tracing::warn!(%error, "{name} stays for now"),
                deleted => deleted?,
            }
            self.mark.shelf.remove(&key);
        }
        Ok(())
    }
}
