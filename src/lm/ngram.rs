//! `NgramModel`: the mapped file of an n-gram model, and how likely words are by it.
//!
//! A state holds, for each length of the words so far, where they stand as a context. The n-grams of a next
//! word are looked for behind all of these contexts at once, none waits for another. Of whole texts the words of
//! [`WIDTH`] positions are looked up together, one order after the other: an n-gram is looked for only where the
//! shorter one and its context were found, and none of an order waits for another, so that the memory answers many
//! at a time.

use std::fmt;

use crate::container::Container;
use crate::error::{Error, ErrorKind, Result};
use crate::lm::columns::{Columns, Found, WIDTH};
use crate::lm::count::ORDER_MAX;
use crate::lm::layout::{EIGHT, FIVE, IS_CONTEXT, KIND, Params, Values, section};
use crate::lm::lexicon::{Lexicon, SECTIONS};
use crate::lm::numbers::small;
use crate::lm::packed::{Entry, Packed};
use crate::lm::part::{CHUNK, Line, Mapped, Part, prefetch};
use crate::lm::place::{FREE, MOVED_MAX, Place, TAG_BITS};
use crate::lm::state::{CONTEXTS, Scored, State};
use crate::lm::words::BEGIN;
use crate::lm::write::never;
use crate::steps::{GoOn, watched};

/// Words of which each is looked up behind one state, together.
const LANES: usize = 48;
/// An n-gram model that answers.
pub struct NgramModel {
    params: Params,
    lexicon: Lexicon,
    unigrams: Part,
    tables: Vec<Table>,
    /// The logarithm of the probability of a word of which nothing is known.
    uniform: f32,
    bytes: u64,
    /// Tells this model from others: states of one say nothing to another.
    mark: u64,
}

/// A digest of the checksums of all sections, and the length: a model of other words, counts or smoothing has
/// another.
pub(super) fn mark(container: &Container, own: &[String]) -> Result<u64> {
    let words = SECTIONS.map(str::to_owned);
    let names = words.iter().chain(own);
    let mut digest = crc32fast::Hasher::new();
    for name in names.filter(|name| container.has(name)) {
        for checksum in container.section(name)?.checksums().1 {
            digest.update(&checksum.to_le_bytes());
        }
    }
    Ok(u64::from(digest.finalize()) << 32 ^ container.bytes())
}

/// The n-grams of an order.
enum Table {
    /// The fast form.
    Lines(Spread),
    /// The compact one.
    Packed(Box<Packed>),
}

/// N-grams that are spread over lines.
struct Spread {
    place: Place,
    lines: Part,
    values: Values,
    codes: Vec<f32>,
}

impl NgramModel {
    /// Opens a model that lies in a mapped file; its tables are verified where they are read.
    ///
    /// # Errors
    ///
    /// If it is damaged, or no file of such a model, or if the disk fails.
    pub(super) fn new(map: &Mapped, container: &Container) -> Result<Self> {
        if cfg!(target_endian = "big") {
            let what = "reading a mapped model on a big-endian machine".to_owned();
            return Err(Error::new(ErrorKind::Unsupported { what }));
        }
        let senseless = || container.senseless();
        let params: Params = serde_json::from_slice(&container.section("params")?.read()?)
            .map_err(|_| senseless())?;
        let mut own = ["params", "unigrams"].map(str::to_owned).to_vec();
        for order in 2..=params.sizes.len() {
            let sections = ["lines", "codes", "entries", "bits", "ranks", "samples"];
            own.extend(sections.map(|name| section(name, order)));
        }
        let model = Self {
            lexicon: Lexicon::open(map, container, (params.words, params.seed))?,
            unigrams: Part::verified(map, container, "unigrams", KIND)?,
            tables: Self::tables(&params, map, container)?,
            #[expect(clippy::cast_possible_truncation, reason = "models are in single precision")]
            uniform: -((params.words.saturating_sub(1) as f64).log10() as f32),
            bytes: container.bytes(),
            mark: mark(container, &own)?,
            params,
        };
        let unigrams = model.unigrams.numbers().len() as u64;
        if unigrams == model.params.words * 2 { Ok(model) } else { Err(senseless()) }
    }

    fn tables(params: &Params, map: &Mapped, container: &Container) -> Result<Vec<Table>> {
        let mut contexts = params.words;
        let mut tables = Vec::new();
        if let Some(packings) = &params.packed {
            let is_sound = params.tables.is_empty()
                && packings.len() < ORDER_MAX
                && params.sizes.len() == packings.len() + 1;
            if !is_sound {
                return Err(container.senseless());
            }
            for (order, &packing) in (2..).zip(packings) {
                let packed = Packed::open(map, container, order, (packing, contexts))?;
                let is_top = order == packings.len() + 1;
                if packing.has_contexts == is_top || params.sizes[order - 1] != packing.count {
                    return Err(container.senseless());
                }
                contexts = packing.count;
                tables.push(Table::Packed(Box::new(packed)));
            }
            return Ok(tables);
        }
        let last = params.tables.len();
        if params.sizes.len() != last + 1 || last >= ORDER_MAX {
            return Err(container.senseless());
        }
        for (order, table) in (2..).zip(&params.tables) {
            let values = table.values;
            let is_top = order == last + 1;
            let lines = Part::new(map, container, &section("lines", order), KIND)?;
            let codes = match values {
                Values::Narrow { code_bits, .. } => {
                    let codes = container.section(&section("codes", order))?;
                    let codes: Vec<f32> = codes.numbers(f32::from_le_bytes)?;
                    if code_bits > 30 || codes.len() != 1 << code_bits {
                        return Err(container.senseless());
                    }
                    codes
                }
                Values::Top | Values::Wide => Vec::new(),
            };
            let is_sound = matches!(values, Values::Top) == is_top
                && table.place.is_sound(contexts, params.words)
                && lines.lines().len() as u64 == table.place.lines_in_all()
                && lines.chunk_bytes() == CHUNK as usize;
            if !is_sound {
                return Err(container.senseless());
            }
            contexts = table.place.lines_in_all() * values.per_line() as u64;
            tables.push(Table::Lines(Spread { place: table.place, lines, values, codes }));
        }
        Ok(tables)
    }

    /// The highest order.
    pub fn order(&self) -> usize {
        self.tables.len() + 1
    }

    /// N-grams of each order.
    pub fn sizes(&self) -> &[u64] {
        &self.params.sizes
    }

    /// Words, with `<unk>`, `<s>` and `</s>`.
    pub fn word_count(&self) -> u32 {
        u32::try_from(self.params.words).unwrap_or(u32::MAX)
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether what was not seen behind a context has a probability of its own there.
    pub fn is_direct(&self) -> bool {
        self.params.is_direct
    }

    /// The number of a word; `<unk>` if the model does not know it.
    #[inline]
    pub fn number(&self, word: &[u8]) -> u32 {
        self.lexicon.number(word)
    }

    /// A word of the model.
    pub fn word(&self, number: u32) -> &[u8] {
        self.lexicon.word(number)
    }

    pub(super) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Tells this model from others.
    pub(super) fn mark(&self) -> u64 {
        self.mark
    }

    /// The state before any word.
    pub fn empty_state(&self) -> State {
        State::default()
    }

    /// The state before a sentence: behind `<s>`.
    pub fn begin_state(&self) -> State {
        let (_, state) = self.unigram(BEGIN);
        state
    }

    /// A word alone, and the state behind it.
    #[inline]
    fn unigram(&self, word: u32) -> (f32, State) {
        let unigrams = self.unigrams.numbers();
        let at = word as usize * 2;
        let value = unigrams.get(at).copied().unwrap_or(0);
        let mut state = State { words: u8::from(self.order() > 1), ..State::default() };
        if value & IS_CONTEXT != 0 {
            state.len = 1;
            state.slots[0] = word;
            state.back_offs[0] = unigrams.get(at + 1).map_or(0.0, |&bits| f32::from_bits(bits));
        }
        (-f32::from_bits(value & !IS_CONTEXT), state)
    }

    /// Asks for the lines in which the n-grams of a next word would stand.
    #[inline]
    fn places(&self, state: &State, word: u32, places: &mut Places) -> Result<()> {
        let contexts = self.tables.iter().zip(&state.slots[..usize::from(state.len).min(CONTEXTS)]);
        for ((table, &slot), place) in contexts.zip(places) {
            match table {
                Table::Lines(table) => {
                    *place = table.place.of(slot, word);
                    prefetch(table.lines.lines(), place.0);
                    table.lines.see(place.0)?;
                }
                Table::Packed(table) => {
                    *place = (slot as usize, word);
                    table.prepare(slot);
                }
            }
        }
        Ok(())
    }

    /// How likely the next word is, and the state behind it. `<s>` is never a next word: it begins anew.
    #[inline]
    fn found(&self, state: &State, word: u32, places: &Places) -> Result<(Scored, State)> {
        let (mut p, mut next) = self.unigram(word);
        let mut order = 1;
        let order_max = self.order();
        let mut goes_on = next.len == 1;
        let contexts = usize::from(state.len).min(CONTEXTS);
        for (at, (table, &(line, tag))) in self.tables.iter().zip(&places[..contexts]).enumerate() {
            let Some(found) = table.find(line, tag)? else { break };
            p = found.p;
            order = at + 2;
            if order < order_max {
                goes_on = goes_on && found.is_context;
                if goes_on {
                    next.len += 1;
                    next.slots[at + 1] = found.slot;
                    next.back_offs[at + 1] = found.back_off;
                }
            }
        }
        if word == BEGIN {
            return Ok((Scored { log10: f32::NEG_INFINITY, order: 1 }, self.begin_state()));
        }
        if order_max > 1 {
            next.words = (state.words + 1).min(u8::try_from(order_max - 1).unwrap_or(u8::MAX));
        }
        let order = u8::try_from(order).unwrap_or(u8::MAX);
        let back_off = |at: usize| state.back_offs[at];
        let log10 = self.log10((p, order), (state.len, state.words), back_off);
        Ok((Scored { log10, order }, next))
    }

    /// How likely a word is of which the longest n-gram, so long, says `p`, behind a state of so many known contexts
    /// and so many words.
    #[inline]
    fn log10(
        &self,
        (p, order): (f32, u8),
        (known, words): (u8, u8),
        back_off: impl Fn(usize) -> f32,
    ) -> f32 {
        let known_at = usize::from(known).min(CONTEXTS);
        if !self.params.is_direct {
            return (usize::from(order) - 1..known_at).fold(p, |log10, at| log10 + back_off(at));
        }
        if order > words {
            p
        } else if known == words && known > 0 {
            back_off(known_at - 1)
        } else {
            self.uniform
        }
    }

    /// How likely a next word is, and the state behind it.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged.
    #[inline]
    pub fn next(&self, state: &State, word: u32) -> Result<(Scored, State)> {
        let mut places = [(0, 0); CONTEXTS];
        self.places(state, word, &mut places)?;
        self.found(state, word, &places)
    }

    /// The probability of a next word by each order alone, where a model has probabilities that are not
    /// interpolated; how many orders there are whose context is known. Those that do not have the word say 0.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged.
    pub(super) fn by_order(&self, state: &State, word: u32) -> Result<([f64; ORDER_MAX], usize)> {
        let mut values = [0.0; ORDER_MAX];
        values[0] = 10_f64.powf(f64::from(self.unigram(word).0));
        let mut places = [(0, 0); CONTEXTS];
        self.places(state, word, &mut places)?;
        let contexts = usize::from(state.len).min(self.tables.len());
        for (at, (table, &(line, tag))) in self.tables.iter().zip(&places[..contexts]).enumerate() {
            let Some(found) = table.find(line, tag)? else { break };
            values[at + 1] = 10_f64.powf(f64::from(found.p));
        }
        Ok((values, contexts + 1))
    }

    /// How likely each word of some sentences is. `ids` has the words of all, one behind the other, and each
    /// sentence ends where `ends` says; each begins in the state `from`.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged, or if `go_on` says so.
    pub fn score(
        &self,
        (ids, ends): (&[u32], &[usize]),
        from: &State,
        scored: &mut Vec<Scored>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        scored.clear();
        scored.reserve(ids.len());
        let mut columns = Columns::new();
        let mut start = 0;
        for &end in ends {
            let end = end.clamp(start, ids.len());
            let mut left = &ids[start..end];
            start = end;
            if left.is_empty() {
                continue;
            }
            if columns.len + 1 >= WIDTH {
                go_on()?;
                self.score_columns(&mut columns, scored)?;
                columns.len = 0;
            }
            columns.begin(from);
            loop {
                let (now, later) = left.split_at(left.len().min(WIDTH - columns.len));
                for &word in now {
                    columns.push(word);
                }
                if later.is_empty() {
                    break;
                }
                go_on()?;
                self.score_columns(&mut columns, scored)?;
                columns.carry();
                left = later;
            }
        }
        go_on()?;
        self.score_columns(&mut columns, scored)
    }

    /// Scores the words of a block, and finds the states behind them.
    fn score_columns(&self, columns: &mut Columns, scored: &mut Vec<Scored>) -> Result<()> {
        let mut alive = Alive { columns: [0; WIDTH], len: 0 };
        self.find_unigrams(columns, &mut alive);
        for (at, table) in self.tables.iter().enumerate() {
            match table {
                Table::Lines(table) => table.find_all(columns, at, &mut alive)?,
                Table::Packed(table) => find_packed(table, columns, at, &mut alive)?,
            }
        }
        for column in 1..columns.len {
            if let Some(word) = columns.word(column) {
                let found = if word == BEGIN {
                    columns.set(column, &self.begin_state());
                    Scored { log10: f32::NEG_INFINITY, order: 1 }
                } else {
                    let before = column - 1;
                    let order = columns.order[column];
                    let state = (columns.known[before], columns.behind[before]);
                    let back_off = |at: usize| columns.back_offs[at][before];
                    Scored { log10: self.log10((columns.p[column], order), state, back_off), order }
                };
                scored.push(found);
            }
        }
        Ok(())
    }

    /// What words of a block say alone; those are alive behind which longer n-grams may end.
    #[inline]
    fn find_unigrams(&self, columns: &mut Columns, alive: &mut Alive) {
        let unigrams = self.unigrams.numbers().as_chunks::<2>().0;
        let order_max = self.order();
        let words_max = u8::try_from(order_max - 1).unwrap_or(u8::MAX);
        for column in 1..columns.len {
            let Some(word) = columns.word(column) else { continue };
            if word == BEGIN {
                columns.set(column, &self.begin_state());
                continue;
            }
            let [value, back_off] = unigrams.get(word as usize).copied().unwrap_or_default();
            columns.p[column] = -f32::from_bits(value & !IS_CONTEXT);
            columns.order[column] = 1;
            columns.known[column] = u8::from(value & IS_CONTEXT != 0);
            columns.behind[column] = (columns.behind[column - 1] + 1).min(words_max);
            columns.slots[0][column] = word;
            columns.back_offs[0][column] = f32::from_bits(back_off);
            alive.push(column);
        }
    }

    /// How likely each word of the model is as the next one, by its number; `<s>` never is.
    ///
    /// # Errors
    ///
    /// As [`NgramModel::score`].
    pub fn all(&self, state: &State, log10: &mut Vec<Scored>, go_on: GoOn<'_>) -> Result<()> {
        log10.clear();
        let mut places = [[(0, 0); CONTEXTS]; LANES];
        let words = self.word_count();
        log10.reserve(words as usize);
        for first in (0..words).step_by(LANES) {
            go_on()?;
            let block = first..(first + u32::try_from(LANES).unwrap_or(0)).min(words);
            for (word, places) in block.clone().zip(&mut places) {
                self.places(state, word, places)?;
            }
            for (word, places) in block.zip(&places) {
                let (mut found, _) = self.found(state, word, places)?;
                if word == BEGIN {
                    found.log10 = f32::NEG_INFINITY;
                }
                log10.push(found);
            }
        }
        Ok(())
    }

    /// Shows every n-gram of an order, with its words, its probability and its back-off, both as logarithms.
    ///
    /// # Errors
    ///
    /// That of `show`; if the file is damaged, or if `go_on` says so.
    pub fn each(&self, order: usize, go_on: GoOn<'_>, show: Show<'_>) -> Result<()> {
        let mut words = [0; ORDER_MAX];
        if order == 1 {
            let unigrams = self.unigrams.numbers();
            for (word, value) in (0..self.word_count()).zip(unigrams.as_chunks::<2>().0) {
                if word % 1_024 == 0 {
                    go_on()?;
                }
                let p = -f32::from_bits(value[0] & !IS_CONTEXT);
                show(&[word], p, f32::from_bits(value[1]))?;
            }
            return Ok(());
        }
        match order.checked_sub(2).and_then(|at| self.tables.get(at)) {
            None => Ok(()),
            Some(Table::Lines(table)) => {
                for (number, line) in table.lines.lines().iter().enumerate() {
                    if number % 1_024 == 0 {
                        go_on()?;
                    }
                    table.lines.see(number)?;
                    for at in 0..table.values.per_line() {
                        if line[at] == FREE {
                            continue;
                        }
                        let found = table.value(line, number, at);
                        self.spell(order, (number, line[at]), &mut words[..order])?;
                        show(&words[..order], found.p, found.back_off)?;
                    }
                }
                Ok(())
            }
            Some(Table::Packed(table)) => {
                for number in watched(0..table.len(), go_on) {
                    let number = number?;
                    let Entry { p, back_off, .. } = table.entry(number)?;
                    self.spell_packed(order, number, &mut words[..order])?;
                    show(&words[..order], p, back_off)?;
                }
                Ok(())
            }
        }
    }

    /// The words of an n-gram of the fast form, by where it stands.
    fn spell(&self, order: usize, (line, tag): (usize, u32), words: &mut [u32]) -> Result<()> {
        let (mut line, mut tag) = (line, tag);
        for at in (1..order).rev() {
            let Table::Lines(table) = &self.tables[at - 1] else { return Ok(()) };
            let home = (line as u64).saturating_sub(u64::from(tag >> TAG_BITS));
            let (slot, word) = table.place.pair(home, tag & ((1 << TAG_BITS) - 1));
            words[at] = word;
            if at == 1 {
                words[0] = slot;
                break;
            }
            let Table::Lines(below) = &self.tables[at - 2] else { return Ok(()) };
            let per_line = below.values.per_line();
            line = slot as usize / per_line;
            below.lines.see(line)?;
            tag = below.lines.lines().get(line).map_or(FREE, |line| line[slot as usize % per_line]);
        }
        Ok(())
    }

    /// The same of the compact form.
    fn spell_packed(&self, order: usize, number: usize, words: &mut [u32]) -> Result<()> {
        let mut number = small(number);
        for at in (1..order).rev() {
            let Table::Packed(table) = &self.tables[at - 1] else { return Ok(()) };
            words[at] = table.entry(number as usize)?.word;
            number = table.context_of(number as usize);
        }
        words[0] = number;
        Ok(())
    }
}

/// Is shown an n-gram's words, its probability and its back-off.
pub type Show<'s> = &'s mut dyn FnMut(&[u32], f32, f32) -> Result<()>;

/// For each context where the n-gram of a next word would stand: its line and its tag.
type Places = [(usize, u32); CONTEXTS];

/// What a line says of an n-gram.
enum Looked {
    Found(Found),
    /// It may stand in the next line.
    Farther,
    Absent,
}

/// Columns behind which longer n-grams may end.
struct Alive {
    columns: [usize; WIDTH],
    len: usize,
}

impl Alive {
    #[inline]
    fn push(&mut self, column: usize) {
        self.columns[self.len] = column;
        self.len += 1;
    }
}

/// Looks for the n-grams of an order that end with the words of a block.
fn find_packed(table: &Packed, columns: &mut Columns, at: usize, alive: &mut Alive) -> Result<()> {
    let last = std::mem::take(&mut alive.len);
    for step in 0..last {
        let column = alive.columns[step];
        if usize::from(columns.known[column - 1]) > at {
            table.prepare(columns.slots[at][column - 1]);
            alive.push(column);
        }
    }
    let last = std::mem::take(&mut alive.len);
    for step in 0..last {
        let column = alive.columns[step];
        let (slot, word) = (columns.slots[at][column - 1], columns.word(column).unwrap_or(BEGIN));
        if let Some((slot, entry)) = table.find(slot, word)? {
            let Entry { p, back_off, is_context, .. } = entry;
            columns.found(column, at, Found { p, slot, back_off, is_context });
            alive.push(column);
        }
    }
    Ok(())
}

impl Table {
    /// Looks for an n-gram where [`NgramModel::places`] said.
    #[inline]
    fn find(&self, at: usize, what: u32) -> Result<Option<Found>> {
        match self {
            Self::Lines(lines) => lines.find(at, what),
            Self::Packed(packed) => {
                let found = packed.find(small(at), what)?;
                Ok(found.map(|(slot, entry)| {
                    let Entry { p, back_off, is_context, .. } = entry;
                    Found { p, slot, back_off, is_context }
                }))
            }
        }
    }
}

impl Spread {
    /// Looks for the n-grams of an order that end with the words of a block. Where a line does not decide, the next one
    /// is asked for, and looked at when all others were.
    fn find_all(&self, columns: &mut Columns, at: usize, alive: &mut Alive) -> Result<()> {
        let lines = self.lines.lines();
        let (mut places, mut count) = ([(0, 0, 0); WIDTH], 0);
        for &column in &alive.columns[..std::mem::take(&mut alive.len)] {
            if usize::from(columns.known[column - 1]) > at
                && let Some(word) = columns.word(column)
            {
                let (line, tag) = self.place.of(columns.slots[at][column - 1], word);
                prefetch(lines, line);
                places[count] = (column, line, tag);
                count += 1;
            }
        }
        let mut moved = 0;
        while count > 0 {
            for step in 0..std::mem::take(&mut count) {
                let (column, line, tag) = places[step];
                match self.look(lines, line + moved as usize, (tag, moved))? {
                    Looked::Found(found) => {
                        columns.found(column, at, found);
                        alive.push(column);
                    }
                    Looked::Farther => {
                        prefetch(lines, line + moved as usize + 1);
                        places[count] = (column, line, tag);
                        count += 1;
                    }
                    Looked::Absent => {}
                }
            }
            moved += 1;
        }
        Ok(())
    }

    /// Looks for a tag from a line on.
    #[inline]
    fn find(&self, first: usize, tag: u32) -> Result<Option<Found>> {
        let lines = self.lines.lines();
        let mut moved = 0;
        loop {
            match self.look(lines, first + moved as usize, (tag, moved))? {
                Looked::Found(found) => return Ok(Some(found)),
                Looked::Absent => return Ok(None),
                Looked::Farther => moved += 1,
            }
        }
    }

    /// Looks for a tag in a line, so many lines behind its own.
    #[inline]
    fn look(&self, lines: &[Line], number: usize, (tag, moved): (u32, u32)) -> Result<Looked> {
        self.lines.see(number)?;
        let per_line = self.values.per_line();
        let Some(line) = lines.get(number) else { return Ok(Looked::Absent) };
        let hits = equal(line, tag | moved << TAG_BITS) & ((1 << per_line) - 1);
        if hits != 0 {
            return Ok(Looked::Found(self.value(line, number, hits.trailing_zeros() as usize)));
        }
        // N-grams stand in the order of their own lines: behind one of a later line there is none of this.
        let last = line[per_line - 1];
        let is_last = last == FREE || last >> TAG_BITS < moved || moved == MOVED_MAX;
        Ok(if is_last { Looked::Absent } else { Looked::Farther })
    }

    /// What stands in a slot.
    #[inline]
    fn value(&self, line: &Line, number: usize, at: usize) -> Found {
        let per_line = self.values.per_line();
        #[expect(clippy::cast_possible_truncation, reason = "slots are fewer than 2^32")]
        let slot = (number * per_line + at) as u32;
        match self.values {
            Values::Top => {
                let p = -f32::from_bits(line[(EIGHT + at) & 15] & !IS_CONTEXT);
                Found { p, slot, back_off: 0.0, is_context: false }
            }
            Values::Narrow { code_bits, step } => {
                let value = line[(EIGHT + at) & 15];
                let steps = (value & !IS_CONTEXT) >> code_bits;
                let p = if steps == never(code_bits) {
                    f32::NEG_INFINITY
                } else {
                    -(steps as f32 * step)
                };
                let code = value & ((1 << code_bits) - 1);
                let back_off = self.codes.get(code as usize).copied().unwrap_or(0.0);
                Found { p, slot, back_off, is_context: value & IS_CONTEXT != 0 }
            }
            Values::Wide => {
                let value = line[FIVE + at.min(FIVE - 1)];
                let p = -f32::from_bits(value & !IS_CONTEXT);
                let back_off = f32::from_bits(line[2 * FIVE + at.min(FIVE - 1)]);
                Found { p, slot, back_off, is_context: value & IS_CONTEXT != 0 }
            }
        }
    }
}

/// Which of the first eight numbers of a line are a tag, as bits.
#[inline]
fn equal(line: &Line, tag: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE2.
    let hits = unsafe { equal_sse2(line, tag) };
    #[cfg(not(target_arch = "x86_64"))]
    let hits = line[..EIGHT].iter().zip(0..).map(|(&own, at)| u32::from(own == tag) << at).sum();
    hits
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn equal_sse2(line: &Line, tag: u32) -> u32 {
    use std::arch::x86_64::{
        _mm_cmpeq_epi32, _mm_loadu_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32,
        _mm_set1_epi32, _mm_setzero_si128,
    };
    let (low, high) = line.split_at(EIGHT / 2);
    // SAFETY: four numbers are as many bytes as are loaded.
    let low = unsafe { _mm_loadu_si128(low.as_ptr().cast()) };
    // SAFETY: as above, of twelve.
    let high = unsafe { _mm_loadu_si128(high.as_ptr().cast()) };
    let tag = _mm_set1_epi32(tag.cast_signed());
    let hits = _mm_packs_epi32(_mm_cmpeq_epi32(low, tag), _mm_cmpeq_epi32(high, tag));
    _mm_movemask_epi8(_mm_packs_epi16(hits, _mm_setzero_si128())).cast_unsigned()
}

impl fmt::Debug for NgramModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NgramModel");
        shown.field("sizes", &self.params.sizes).finish_non_exhaustive()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Lines(_) => "Lines",
            Self::Packed(_) => "Packed",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}
