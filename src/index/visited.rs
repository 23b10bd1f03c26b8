//! `Visited`: marks of rows seen in one search, cheap to clear for the next.

/// One bit a row, and a list of the bits set so that clearing costs no more than marking did.
#[derive(Debug, Default)]
pub(super) struct Visited {
    bits: Vec<u64>,
    marked: Vec<u32>,
}

impl Visited {
    /// Forgets every mark and makes room for `rows` rows.
    pub(super) fn clear(&mut self, rows: usize) {
        for &row in &self.marked {
            self.bits[(row >> 6) as usize] = 0;
        }
        self.marked.clear();
        self.bits.resize(rows.div_ceil(64), 0);
    }

    /// Marks a row; says whether it was not marked before.
    #[inline]
    pub(super) fn insert(&mut self, row: u32) -> bool {
        let word = &mut self.bits[(row >> 6) as usize];
        let bit = 1 << (row & 63);
        let is_new = *word & bit == 0;
        if is_new {
            *word |= bit;
            self.marked.push(row);
        }
        is_new
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>() + self.marked.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_new_once_until_the_marks_are_cleared() {
        let mut visited = Visited::default();
        for rows in [130, 70, 200] {
            visited.clear(rows);
            for row in [0, 63, 64, 69] {
                assert!(visited.insert(row), "row {row} of {rows} is new");
                assert!(!visited.insert(row), "row {row} of {rows} is known");
            }
        }
    }
}
