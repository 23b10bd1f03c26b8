//! `Trie`: all pieces that begin at a byte, shortest first.

/// Nodes in breadth-first order, the children of a node side by side.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    label: u8,
    children: u16,
    first: u32,
    /// The piece that ends here.
    id: Option<u32>,
}

impl Trie {
    /// Of words in order, none twice, none empty.
    pub(super) fn new(words: &[(&[u8], u32)]) -> Self {
        let root = Node { label: 0, children: 0, first: 0, id: None };
        let mut nodes = vec![root];
        // Which words go through a node, and how many bytes of them are behind it.
        let mut through = vec![(0..words.len(), 0)];
        let mut at = 0;
        while at < nodes.len() {
            let (range, depth) = through[at].clone();
            let mut words_left = range;
            if let Some(first) = words_left.clone().next()
                && words[first].0.len() == depth
            {
                nodes[at].id = Some(words[first].1);
                words_left.start += 1;
            }
            // Nodes are at most as many as bytes of a file, whose size has a cap.
            nodes[at].first = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            while let Some(first) = words_left.clone().next() {
                let label = words[first].0[depth];
                let same =
                    words[words_left.clone()].partition_point(|(word, _)| word[depth] == label);
                nodes.push(Node { label, children: 0, first: 0, id: None });
                through.push((first..first + same, depth + 1));
                nodes[at].children += 1;
                words_left.start += same;
            }
            at += 1;
        }
        Self { nodes }
    }

    /// Hands out the length and number of each piece that the bytes begin with.
    #[inline]
    pub(super) fn prefixes(&self, bytes: &[u8], mut take: impl FnMut(usize, u32)) {
        let mut node = self.nodes[0];
        for (length, byte) in (1..).zip(bytes) {
            let first = node.first as usize;
            let children = &self.nodes[first..first + usize::from(node.children)];
            let Ok(child) = children.binary_search_by_key(byte, |child| child.label) else {
                return;
            };
            node = children[child];
            if let Some(id) = node.id {
                take(length, id);
            }
        }
    }
}
