//! How often every n-gram of a text comes, of all orders at once, by one sort.
//!
//! Positions are put into buckets by their word, and each bucket is sorted by the words before: first the
//! one just before, then the one before that, up to the order or the sentence's begin. Neighbors that share
//! a beginning share n-grams, so one walk over the sorted positions finds every n-gram of every order, in the
//! order of a trie whose first level is the last word. The number of an n-gram's children in that
//! trie is the number of different words that come before it: the count that Kneser-Ney needs. No
//! n-gram is hashed, and nothing is merged.

use crate::error::{Context as _, Error, Result};
use crate::lm::corpus::{Corpus, Totals};
use crate::lm::last_words::LastWords;
use crate::lm::numbers::{Numbers, Room, small};
use crate::lm::words::{BEGIN, Words};
use crate::steps::{GoOn, STEPS, watched};

/// The highest order.
pub const ORDER_MAX: usize = 7;

/// All n-grams of one order.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) words: LastWords,
    /// The n-gram of all words but the last, as a number of the level below. While a text is counted,
    /// where in it the n-gram ends.
    pub(super) context: Numbers,
    /// How often each comes. While a text is counted, below the highest order those alone that begin with `<s>`:
    /// the others come as often as longer ones that end with them.
    pub(super) count: Numbers,
    /// The first of the n-grams of the level above that end with it; one more than n-grams. Empty at the
    /// highest order.
    pub(super) child: Numbers,
}

impl Level {
    fn new(room: &Room, words: usize, max: usize, has_children: bool) -> Result<Self> {
        Ok(Self {
            words: LastWords::new(room, words, max)?,
            context: Numbers::new(room, max)?,
            count: Numbers::new(room, max)?,
            child: Numbers::new(room, if has_children { max + 1 } else { 0 })?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.context.len()
    }

    /// N-grams of the level above that end with this one.
    pub(super) fn children(&self, number: usize) -> std::ops::Range<usize> {
        self.child[number] as usize..self.child[number + 1] as usize
    }
}

/// The n-grams of a text.
#[derive(Debug)]
pub struct Counts {
    pub(super) words: Words,
    pub(super) levels: Vec<Level>,
    pub(super) room: Room,
    /// What was read.
    pub totals: Totals,
}

impl Counts {
    /// Counts a text up to this order, from 1 to [`ORDER_MAX`].
    ///
    /// # Errors
    ///
    /// If there is no room, or if `go_on` says so.
    pub fn new(corpus: Corpus, order: usize, room: &Room, go_on: GoOn<'_>) -> Result<Self> {
        if !(1..=ORDER_MAX).contains(&order) {
            let problem = format!("from 1 to {ORDER_MAX}; {order} is not");
            return Err(Error::invalid("order", problem));
        }
        let Corpus { words, ids, totals, .. } = corpus;
        let (mut levels, rank) = {
            let positions = Buckets::new(&words, &ids, room, go_on)?;
            Walk::new((order, &words), &ids, room)?.levels(positions, room, go_on)?
        };
        find_contexts(&mut levels, rank, &ids, room, go_on)?;
        drop(ids);
        add_up(&mut levels, room, go_on)?;
        Ok(Self { words, levels, room: room.clone(), totals })
    }

    /// The words that the text has, and the special ones.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The highest order.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// N-grams of each order; `<s>` is one.
    pub fn sizes(&self) -> Vec<u64> {
        self.levels.iter().map(|level| level.len() as u64).collect()
    }
}

/// Positions of a text by their word.
struct Buckets {
    starts: Vec<u32>,
    positions: Numbers,
}

impl Buckets {
    fn new(words: &Words, ids: &Numbers, room: &Room, go_on: GoOn<'_>) -> Result<Self> {
        let mut starts = vec![0_u32; words.len() + 1];
        for part in watched(ids.chunks(1 << 12), go_on) {
            for &id in part? {
                if id != BEGIN {
                    starts[id as usize + 1] += 1;
                }
            }
        }
        for word in 0..words.len() {
            starts[word + 1] += starts[word];
        }
        let total = starts.last().map_or(0, |&total| total as usize);
        let mut positions = Numbers::zeros(room, total)?;
        let mut next = starts.clone();
        for part in watched(ids.chunks(1 << 12).enumerate(), go_on) {
            let (number, part) = part?;
            for (at, &id) in (number << 12..).zip(part) {
                if id != BEGIN {
                    let free = &mut next[id as usize];
                    positions[*free as usize] = small(at);
                    *free += 1;
                }
            }
        }
        Ok(Self { starts, positions })
    }

    /// Positions of the most frequent word.
    fn most(&self) -> u64 {
        let counts = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        counts.max().unwrap_or(0).into()
    }

    /// Gives back the memory of the positions of a word and of those before it.
    fn forget(&mut self, word: usize) {
        self.positions.forget(self.starts[word + 1] as usize);
    }

    fn of(&self, word: usize) -> &[u32] {
        &self.positions[self.starts[word] as usize..self.starts[word + 1] as usize]
    }
}

/// The walk over sorted positions.
struct Walk<'t> {
    order: usize,
    words: usize,
    ids: &'t Numbers,
    /// Bits of a word in a key: its number plus one, so that 0 stands behind a sentence's begin.
    bits: u32,
    /// Words of a key; those further back are compared in the text.
    packed: usize,
    levels: Vec<Level>,
    /// For each position the longest n-gram that ends there and may be a context.
    rank: Numbers,
    /// The n-grams of the position before, by their orders.
    path: [u32; ORDER_MAX],
}

/// Bits of a key that hold the position.
const POSITION_BITS: u32 = 32;

impl<'t> Walk<'t> {
    fn new((order, words): (usize, &Words), ids: &'t Numbers, room: &Room) -> Result<Self> {
        let bits = usize::BITS - words.len().leading_zeros();
        let packed = ((u128::BITS - POSITION_BITS) / bits.max(1)) as usize;
        let max = ids.len();
        let level = |at: usize| {
            Level::new(room, words.len(), if at == 0 { words.len() } else { max }, at + 1 < order)
        };
        Ok(Self {
            order,
            words: words.len(),
            ids,
            bits,
            packed: packed.min(order - 1),
            levels: (0..order).map(level).collect::<Result<_>>()?,
            rank: Numbers::zeros(room, if order > 2 { ids.len() } else { 0 })?,
            path: [0; ORDER_MAX],
        })
    }

    fn levels(
        mut self,
        mut positions: Buckets,
        room: &Room,
        go_on: GoOn<'_>,
    ) -> Result<(Vec<Level>, Numbers)> {
        // A bucket is sorted in memory.
        let bytes = positions.most() * size_of::<u128>() as u64;
        let _held =
            room.hold(bytes).context(|| "sorting the positions of the most frequent word")?;
        let most = usize::try_from(positions.most()).unwrap_or(usize::MAX);
        let mut keys = Vec::with_capacity(most);
        for word in watched(0..self.words, go_on) {
            let word = word?;
            self.begin_word(small(word))?;
            keys.clear();
            for &position in positions.of(word) {
                keys.push(self.key(position));
            }
            sort(&mut keys, &|key| *key, go_on)?;
            self.sort_further(&mut keys, go_on)?;
            let mut before = None;
            for key in watched(keys.iter().copied(), go_on) {
                let key = key?;
                self.add(small(word), key, before)?;
                before = Some(key);
            }
            positions.forget(word);
        }
        for level in &mut self.levels {
            level.words.end(self.words)?;
        }
        let order = self.order;
        for at in 1..order {
            let end = small(self.levels[at].len());
            self.levels[at - 1].child.push(end)?;
        }
        Ok((self.levels, self.rank))
    }

    fn begin_word(&mut self, word: u32) -> Result<()> {
        let above = self.levels.get(1).map(|level| small(level.len()));
        let level = &mut self.levels[0];
        self.path[0] = small(level.len());
        level.words.push(word, word == BEGIN)?;
        level.context.push(0)?;
        if word == BEGIN || above.is_none() {
            level.count.push(0)?;
        }
        above.map_or(Ok(()), |above| level.child.push(above))
    }

    /// The words before a position, the nearest first, and the position.
    #[inline]
    fn key(&self, position: u32) -> u128 {
        let (mut key, mut has_begun) = (0, false);
        for back in 1..=self.packed {
            key <<= self.bits;
            if !has_begun {
                // Before the begin of the first sentence there is no position.
                let id = self.ids[position as usize - back];
                key |= u128::from(id) + 1;
                has_begun = id == BEGIN;
            }
        }
        key << POSITION_BITS | u128::from(position)
    }

    /// How many words the longest n-gram that ends at a position has, within the order.
    fn depth(&self, position: u32) -> usize {
        let back = (1..self.order).find(|back| self.ids[position as usize - back] == BEGIN);
        back.map_or(self.order, |back| back + 1)
    }

    /// Sorts positions whose keys agree by the words further back.
    fn sort_further(&self, keys: &mut [u128], go_on: GoOn<'_>) -> Result<()> {
        if self.packed + 1 >= self.order {
            return Ok(());
        }
        let (ids, from, to) = (self.ids, self.packed + 1, self.order);
        let further = |key: &u128| {
            let at = position(*key) as usize;
            let mut words = [0; ORDER_MAX];
            // A key whose last word is not 0 may have reached a sentence's begin with it.
            let mut has_begun = at < from || (1..from).any(|back| ids[at - back] == BEGIN);
            for back in from..to {
                if has_begun {
                    break;
                }
                words[back - from] = ids[at - back] + 1;
                has_begun = ids[at - back] == BEGIN;
            }
            (words, at)
        };
        let runs = keys.chunk_by_mut(|a, b| a >> POSITION_BITS == b >> POSITION_BITS);
        for run in watched(runs, go_on) {
            // In place: keys that are kept beside would be memory that nobody counts.
            sort(run?, &further, go_on)?;
        }
        Ok(())
    }

    /// Adds the n-grams that end at a position and not at the one before it in the order of keys.
    #[inline]
    fn add(&mut self, word: u32, key: u128, before: Option<u128>) -> Result<()> {
        let at = position(key);
        let words = key >> POSITION_BITS;
        let packed = small(self.packed);
        let is_whole = self.packed + 1 == self.order;
        let length = if words & ((1 << self.bits) - 1) == 0 || is_whole {
            let padding = if words == 0 { packed } else { words.trailing_zeros() / self.bits };
            (packed + 1 - padding.min(packed)) as usize
        } else {
            self.depth(at)
        };
        let shared = match before {
            None => 1,
            Some(before) => {
                let differ = words ^ (before >> POSITION_BITS);
                if differ != 0 {
                    let top = u128::BITS - 1 - differ.leading_zeros();
                    (packed - top / self.bits) as usize
                } else if is_whole {
                    self.order
                } else {
                    self.shared(at, position(before))
                }
            }
        };
        for depth in shared.min(length)..length {
            let begins = self.ids[at as usize - depth] == BEGIN;
            let above = self.levels.get(depth + 1).map(|level| small(level.len()));
            let level = &mut self.levels[depth];
            self.path[depth] = small(level.len());
            level.words.push(word, begins)?;
            level.context.push(at)?;
            if begins || above.is_none() {
                level.count.push(0)?;
            }
            if let Some(above) = above {
                level.child.push(above)?;
            }
        }
        if let Some(count) = self.levels[length - 1].count.last_mut() {
            *count += 1;
        }
        if self.order > 2 {
            self.rank[at as usize] = self.path[length.min(self.order - 1) - 1];
        }
        Ok(())
    }

    /// How many words two positions share whose keys agree.
    fn shared(&self, a: u32, b: u32) -> usize {
        let (a, b) = (a as usize, b as usize);
        let mut shared = 1;
        while shared < self.order {
            let (one, other) = (self.ids[a - shared], self.ids[b - shared]);
            if one != other {
                break;
            }
            shared += 1;
            if one == BEGIN {
                break;
            }
        }
        shared
    }
}

/// Keys that are sorted at once: about a tenth of a second.
const SORTED_AT_ONCE: usize = 1 << 20;

/// Sorts keys in place, with a look at `go_on` every so many.
fn sort<K: Ord>(keys: &mut [u128], by: &impl Fn(&u128) -> K, go_on: GoOn<'_>) -> Result<()> {
    if keys.len() <= SORTED_AT_ONCE {
        keys.sort_unstable_by_key(by);
        return if keys.len() > STEPS { go_on() } else { Ok(()) };
    }
    go_on()?;
    let middle = keys.len() / 2;
    let (low, _, high) = keys.select_nth_unstable_by_key(middle, by);
    sort(low, by, go_on)?;
    sort(high, by, go_on)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "its lower bits")]
fn position(key: u128) -> u32 {
    key as u32
}

/// Replaces where each n-gram ends by its context. `rank` has the longest context that ends at each position, and
/// is made that of each level on the way down.
fn find_contexts(
    levels: &mut [Level],
    mut rank: Numbers,
    ids: &Numbers,
    room: &Room,
    go_on: GoOn<'_>,
) -> Result<()> {
    for at in (1..levels.len()).rev() {
        let level = &mut levels[at];
        let of_position: &[u32] = if at == 1 { ids } else { &rank };
        for part in watched(level.context.chunks_mut(1 << 12), go_on) {
            for context in part? {
                *context = of_position[*context as usize - 1];
            }
        }
        // Contexts of bigrams are words themselves.
        if at < 3 {
            continue;
        }
        let (below, own) = (&levels[at - 2], &levels[at - 1]);
        let mut parent = Numbers::zeros(room, own.len())?;
        for number in watched(0..below.len(), go_on) {
            let number = number?;
            parent[below.children(number)].fill(small(number));
        }
        // Words since the sentence began, with `<s>`.
        let mut depth = 0;
        for (rank, ids) in rank.chunks_mut(1 << 12).zip(ids.chunks(1 << 12)) {
            go_on()?;
            for (rank, &id) in rank.iter_mut().zip(ids) {
                depth = if id == BEGIN { 1 } else { depth + 1 };
                if depth >= at && id != BEGIN {
                    *rank = parent[*rank as usize];
                }
            }
        }
    }
    Ok(())
}

/// Gives every n-gram its count, that of the longer ones that end with it together.
fn add_up(levels: &mut [Level], room: &Room, go_on: GoOn<'_>) -> Result<()> {
    for at in (1..levels.len()).rev() {
        let (lower, upper) = levels.split_at_mut(at);
        let (level, above) = (&mut lower[at - 1], &upper[0]);
        let mut count = Numbers::zeros(room, level.len())?;
        let mut own = level.count.iter();
        for number in watched(0..level.len(), go_on) {
            let number = number?;
            count[number] = if level.words.begins(number) {
                own.next().copied().unwrap_or(0)
            } else {
                above.count[level.children(number)].iter().sum()
            };
        }
        level.count = count;
    }
    Ok(())
}
