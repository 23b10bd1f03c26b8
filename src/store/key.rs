//! The keys of blocks and of writes, in an order that is theirs.

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

/// Bytes of the key of a part of a write.
pub(super) const WRITE_BYTES: usize = 20;

/// The key of one part of one write since one import.
pub(super) fn write(lineage: u64, sequence: u64, part: u32) -> [u8; WRITE_BYTES] {
    let mut key = [0; WRITE_BYTES];
    key[..8].copy_from_slice(&lineage.to_be_bytes());
    key[8..16].copy_from_slice(&sequence.to_be_bytes());
    key[16..].copy_from_slice(&part.to_be_bytes());
    key
}

/// Behind every write since one import.
pub(super) fn after(lineage: u64) -> [u8; WRITE_BYTES] {
    write(lineage.saturating_add(1), 0, 0)
}

/// The import after which a write was made; none if this is no such key.
pub(super) fn lineage(key: &[u8]) -> Option<u64> {
    let key: &[u8; WRITE_BYTES] = key.try_into().ok()?;
    let (lineage, _) = key.split_first_chunk()?;
    Some(u64::from_be_bytes(*lineage))
}
