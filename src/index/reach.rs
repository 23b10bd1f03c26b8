//! Links to rows that no walk would find: afterward a walk from the entry can reach every row.

use crate::index::beam::{Beam, Net, Reach};
use crate::index::codes::{Codes, QueryCode};
use crate::index::equals::Equals;
use crate::index::links::{Hierarchy, Links, NONE};

/// Width of the beam that looks for rows near a lost one.
const WIDTH: usize = 32;

/// Links to every row of the bottom layer that stands for itself and cannot be reached from the entry,
/// from rows near it that can.
pub(super) fn reach_all(codes: &Codes, equals: &Equals, hierarchy: &mut Hierarchy) {
    let entry = hierarchy.entry();
    let bottom = &mut hierarchy.bottom;
    let mut tree = Tree::new(bottom, entry);
    let mut beam = Beam::default();
    let mut query = QueryCode::default();
    for lost in (0..).take(bottom.len()) {
        if tree.has(lost) || !equals.stands(lost) {
            continue;
        }
        codes.code_of_row(lost, &mut query);
        let net = Net { codes, links: bottom };
        beam.search(net, &query, std::iter::once(entry), Reach::wide(WIDTH), &mut |_| false);
        let near = || beam.found().map(|(_, row)| row);
        let place = near()
            .find_map(|row| free_slot(bottom, row))
            .or_else(|| near().find_map(|row| tree.spare_slot(bottom, row)))
            .or_else(|| tree.any_spare_slot(bottom));
        if let Some((row, slot)) = place {
            bottom.slots_mut(row)[slot] = lost;
            tree.add(bottom, row, lost);
        }
    }
}

/// One way from the entry to every row reached.
struct Tree {
    /// The row before each row on its way; [`NONE`] for rows not reached, itself for the entry.
    parents: Vec<u32>,
    /// Rows reached, in the order they were.
    reached: Vec<u32>,
    /// How many of those have no spare slot, from the first on: they will never have one again.
    full: usize,
}

impl Tree {
    fn new(links: &Links, entry: u32) -> Self {
        let mut tree = Self { parents: vec![NONE; links.len()], reached: Vec::new(), full: 0 };
        tree.add(links, entry, entry);
        tree
    }

    fn has(&self, row: u32) -> bool {
        self.parents[row as usize] != NONE
    }

    /// Adds a row, and all that can be reached from it.
    fn add(&mut self, links: &Links, parent: u32, row: u32) {
        self.parents[row as usize] = parent;
        let mut waiting = vec![row];
        while let Some(row) = waiting.pop() {
            self.reached.push(row);
            for link in links.of(row) {
                if !self.has(link) {
                    self.parents[link as usize] = row;
                    waiting.push(link);
                }
            }
        }
    }

    /// A slot that is free or whose link no way needs, the farthest first.
    fn spare_slot(&self, links: &Links, row: u32) -> Option<(u32, usize)> {
        debug_assert!(self.has(row), "walks from the entry stay among rows reached");
        let is_spare = |&link: &u32| self.parents[link as usize] != row;
        let spare = || links.slots(row).iter().rposition(is_spare).map(|slot| (row, slot));
        free_slot(links, row).or_else(spare)
    }

    /// A spare slot of any row reached. Some row has one: each but the entry is needed once, and there
    /// are more slots than rows.
    fn any_spare_slot(&mut self, links: &Links) -> Option<(u32, usize)> {
        while let Some(&row) = self.reached.get(self.full) {
            let slot = self.spare_slot(links, row);
            if slot.is_some() {
                return slot;
            }
            self.full += 1;
        }
        None
    }
}

/// The first free slot: links stand before it, or a walk would not see the new one.
fn free_slot(links: &Links, row: u32) -> Option<(u32, usize)> {
    links.slots(row).iter().position(|&link| link == NONE).map(|slot| (row, slot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{clustered, reachable, table_of};

    #[test]
    fn islands_of_full_lists_are_reached_without_losing_anyone() {
        let rows = clustered(600, 8, 2);
        let codes = Codes::new(&table_of(&rows)).unwrap();
        for stride in [2, 3, 5] {
            // Islands of 10 rows, each linked in a ring; most lists are full.
            let mut bottom = Links::new(rows.len(), stride);
            for row in 0..600_u32 {
                let island = row / 10 * 10;
                bottom.set(row, (1..=stride).zip(1..).map(|(_, i)| island + (row + i) % 10));
            }
            let mut hierarchy = Hierarchy { bottom, upper: Vec::new() };
            reach_all(&codes, &Equals::default(), &mut hierarchy);
            assert_eq!(reachable(&hierarchy), rows.len(), "{stride} links a row");
        }
    }
}
