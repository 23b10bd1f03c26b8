//! The keys of blocks: generation, then block, in an order that is theirs.

/// Bytes of a block's key.
pub(super) const BYTES: usize = 12;

/// The key of one block of one generation.
pub(super) fn block(generation: u64, block: u32) -> [u8; BYTES] {
    let mut key = [0; BYTES];
    key[..8].copy_from_slice(&generation.to_be_bytes());
    key[8..].copy_from_slice(&block.to_be_bytes());
    key
}

/// The generation that a block's key belongs to; none if this is no such key.
pub(super) fn generation(key: &[u8]) -> Option<u64> {
    let key: &[u8; BYTES] = key.try_into().ok()?;
    let (generation, _) = key.split_first_chunk()?;
    Some(u64::from_be_bytes(*generation))
}
