//! LZ4, which Parquet knows in two forms: as one block, and as the frames of Hadoop.

/// Largest number of bytes that one compressed byte can become.
const LARGEST_RATIO: usize = 255;

/// Decompresses one block to `size` bytes.
pub(super) fn block(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    if size / LARGEST_RATIO > bytes.len() {
        return Err("the size of a page is not what its header says".to_owned());
    }
    let mut all = vec![0; size];
    let written = lz4_flex::block::decompress_into(bytes, &mut all).map_err(|error| error.to_string())?;
    all.truncate(written);
    Ok(all)
}

/// Decompresses frames, each of which states the sizes of one block: as Hadoop writes them, or one block without a frame,
/// as old versions of pyarrow do.
pub(super) fn frames(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    match hadoop(bytes, size) {
        Some(all) => Ok(all),
        None => block(bytes, size),
    }
}

fn hadoop(mut bytes: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let (decoded, stored) = (number(0)?, number(4)?);
        if decoded > size - all.len() {
            return None;
        }
        let end = stored.checked_add(8)?;
        let one = block(bytes.get(8..end)?, decoded).ok().filter(|one| one.len() == decoded)?;
        all.extend(one);
        bytes = &bytes[end..];
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &[u8]) -> Vec<u8> {
        let block = lz4_flex::block::compress(text);
        [&(text.len() as u32).to_be_bytes()[..], &(block.len() as u32).to_be_bytes(), &block].concat()
    }

    #[test]
    fn blocks_and_frames_are_decompressed() {
        let text = b"a text, a text, a text".repeat(20);
        let raw = lz4_flex::block::compress(&text);
        assert_eq!(block(&raw, text.len()).unwrap(), text);
        assert_eq!(frames(&raw, text.len()).unwrap(), text, "without a frame");
        let two = [frame(&text[..100]), frame(&text[100..])].concat();
        assert_eq!(frames(&two, text.len()).unwrap(), text);
    }

    #[test]
    fn false_sizes_are_errors_and_reserve_nothing() {
        let raw = lz4_flex::block::compress(b"abc");
        assert!(block(&raw, usize::MAX).is_err());
        assert!(block(&raw, 2).is_err());
        let mut framed = frame(b"abc");
        framed[0] = 0xff;
        assert!(frames(&framed, 3).is_err());
        assert!(frames(&frame(b"abc")[..9], 3).is_err());
    }
}
