//! `Links` and `Layer`: who leads to whom, in flat arrays of fixed stride.

use crate::index::codes::{Codes, QueryCode};

/// Nearest rows of a row that are stored, in order.
pub const LIST: usize = 32;
/// Stands behind the last link of a list that is not full.
pub(super) const NONE: u32 = u32::MAX;

/// One list of links for each row, at most `stride` long, one behind the other.
#[derive(Debug, PartialEq)]
pub(super) struct Links {
    stride: usize,
    values: Vec<u32>,
}

impl Links {
    /// Empty lists for `rows` rows.
    pub(super) fn new(rows: usize, stride: usize) -> Self {
        Self::from_values(stride, vec![NONE; rows * stride])
    }

    /// Lists as [`Links::values`] gave them.
    pub(super) fn from_values(stride: usize, values: Vec<u32>) -> Self {
        Self { stride, values }
    }

    /// The links of a row.
    #[inline]
    pub(super) fn of(&self, row: u32) -> impl Iterator<Item = u32> {
        self.slots(row).iter().copied().take_while(|&link| link != NONE)
    }

    /// The links of a row, and [`NONE`] in every free slot behind them.
    #[inline]
    pub(super) fn slots(&self, row: u32) -> &[u32] {
        let start = row as usize * self.stride;
        &self.values[start..start + self.stride]
    }

    /// As [`Links::slots`], to be changed.
    pub(super) fn slots_mut(&mut self, row: u32) -> &mut [u32] {
        let start = row as usize * self.stride;
        &mut self.values[start..start + self.stride]
    }

    /// Replaces the links of a row by the first `stride` of these.
    pub(super) fn set(&mut self, row: u32, links: impl Iterator<Item = u32>) {
        let mut links = links.fuse();
        self.slots_mut(row).fill_with(|| links.next().unwrap_or(NONE));
    }

    /// The most links that a row can have.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// How many lists.
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Every list with its free slots, in row order.
    pub(super) fn values(&self) -> &[u32] {
        &self.values
    }

    /// As [`Links::values`], to be changed.
    pub(super) fn values_mut(&mut self) -> &mut [u32] {
        &mut self.values
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<u32>()
    }
}

/// A layer above the bottom: few rows, linked among themselves.
#[derive(Debug, PartialEq)]
pub(super) struct Layer {
    /// The rows of the layer, ascending; a row's place here is its slot.
    pub(super) rows: Vec<u32>,
    /// From slot to slots.
    pub(super) links: Links,
    /// Each slot's slot in the layer below; the row itself above the bottom layer.
    pub(super) below: Vec<u32>,
}

impl Layer {
    /// Finds each row in the layer below; none if one is missing there.
    pub(super) fn new(rows: Vec<u32>, links: Links, lower: Option<&Self>) -> Option<Self> {
        let below = match lower {
            None => rows.clone(),
            Some(lower) => rows.iter().map(|&row| lower.slot(row)).collect::<Option<_>>()?,
        };
        Some(Self { rows, links, below })
    }

    /// The slot of a row.
    pub(super) fn slot(&self, row: u32) -> Option<u32> {
        self.rows.binary_search(&row).ok().and_then(|slot| u32::try_from(slot).ok())
    }

    /// Walks to ever nearer rows from a slot until none is nearer; the slot where it ends.
    fn descend(&self, codes: &Codes, query: &QueryCode, mut slot: u32) -> u32 {
        let mut nearest = codes.distance(query, self.rows[slot as usize]);
        loop {
            let before = slot;
            for next in self.links.of(before) {
                let distance = codes.distance(query, self.rows[next as usize]);
                if distance < nearest {
                    (nearest, slot) = (distance, next);
                }
            }
            if slot == before {
                return slot;
            }
        }
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        (self.rows.capacity() + self.below.capacity()) * size_of::<u32>()
            + self.links.memory_bytes()
    }
}

/// The whole frozen hierarchy.
#[derive(Debug, PartialEq)]
pub(super) struct Hierarchy {
    /// The links of every row.
    pub(super) bottom: Links,
    /// The layers above, lowest first.
    pub(super) upper: Vec<Layer>,
}

impl Hierarchy {
    /// The row where every search begins its way down.
    pub(super) fn entry(&self) -> u32 {
        self.upper.last().and_then(|top| top.rows.first().copied()).unwrap_or(0)
    }

    /// Walks down from the top; the row of the bottom layer where that ends.
    pub(super) fn descend(&self, codes: &Codes, query: &QueryCode) -> u32 {
        let mut slot = 0;
        for layer in self.upper.iter().rev() {
            slot = layer.below[layer.descend(codes, query, slot) as usize];
        }
        slot
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bottom.memory_bytes() + self.upper.iter().map(Layer::memory_bytes).sum::<usize>()
    }
}
