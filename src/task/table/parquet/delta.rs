//! Checks how many lengths a page of delta-encoded texts claims to have: the library reserves memory for all of them.

use parquet::{basic::Encoding, errors::Result};

use super::page::broken;

/// Checks the counts in `values`, the values of a page with `most` values and nulls.
pub(super) fn check(encoding: Encoding, values: &[u8], most: u32) -> Result<()> {
    let wrong = || broken("a page claims more lengths than it has values");
    let rest = match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => values,
        // The lengths of prefixes are followed by the suffixes, with their own lengths.
        Encoding::DELTA_BYTE_ARRAY => lengths(values, most).and_then(|end| values.get(end..)).ok_or_else(wrong)?,
        _ => return Ok(()),
    };
    lengths(rest, most).map(|_| ()).ok_or_else(wrong)
}

/// Returns the end of a list of delta-encoded integers; `None` if a head is incomplete or it has more than `most`.
fn lengths(bytes: &[u8], most: u32) -> Option<usize> {
    let mut at = 0;
    let block = varint(bytes, &mut at)?;
    let groups = varint(bytes, &mut at)?;
    let count = varint(bytes, &mut at)?;
    varint(bytes, &mut at)?;
    if count > u64::from(most) || groups == 0 || groups > bytes.len() as u64 || block % groups != 0 {
        return None;
    }
    let (in_group, groups) = (block / groups, groups as usize);
    let mut left = count.saturating_sub(1);
    while left > 0 {
        if in_group == 0 {
            return None;
        }
        varint(bytes, &mut at)?;
        let widths = bytes.get(at..at.checked_add(groups)?)?;
        at += groups;
        for &width in widths {
            if left == 0 {
                break;
            }
            let bits = in_group.checked_mul(u64::from(width))?;
            at = at.checked_add(usize::try_from(bits.div_ceil(8)).ok()?)?;
            left = left.saturating_sub(in_group);
        }
    }
    Some(at)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_lengths_is_measured_and_may_not_exceed_the_values() {
        // Blocks of 128 in 4 groups; 3 lengths: first 5 (zigzag 10), then a block of least difference 0 and widths 1, 0.
        let list = [&[128, 1, 4, 3, 10, 0, 1, 0, 0, 0][..], &[0; 4]].concat();
        assert_eq!(lengths(&list, 3), Some(14));
        assert_eq!(lengths(&list, 2), None);
        assert_eq!(lengths(&list[..6], 3), None);
        assert_eq!(lengths(&[128, 1, 4, 1, 10], 1), Some(5));
        assert_eq!(lengths(&[128, 1, 0, 3, 10, 0], 3), None);
        let both = [list.as_slice(), &[128, 1, 4, 255, 255, 255, 255, 15, 0]].concat();
        assert!(check(Encoding::DELTA_BYTE_ARRAY, &both, 3).is_err());
        assert!(check(Encoding::DELTA_BYTE_ARRAY, &[list.as_slice(), &list].concat(), 3).is_ok());
        assert!(check(Encoding::PLAIN, &[], 3).is_ok());
    }
}
