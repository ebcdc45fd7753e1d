//! Checks the footer of a Parquet file before the library reads it.
//!
//! The library builds the schema recursively and reserves memory for as many children as an element claims: deep or
//! false claims would overflow the stack or abort the program, and no guard can catch that.

use super::thrift::{I32, LIST, STRUCT, Thrift};
use crate::{error::InputError, size::format_size};

/// Maximum bytes of a footer: thousands of row groups fit.
const LONGEST: u64 = 16_000_000;
/// Maximum depth of nested columns.
const DEEPEST: usize = 32;
/// Field of the file's metadata with the schema, and field of a schema element with the number of its children.
const SCHEMA: i64 = 2;
const CHILDREN: i64 = 5;

/// Checks the size of the footer of the file `bytes`, and the shape of its schema.
pub(super) fn check(bytes: &[u8]) -> Result<(), InputError> {
    let broken = || InputError::new("the file is not Parquet, or it is incomplete").help("download or write it again");
    let end = bytes.len().checked_sub(8).ok_or_else(broken)?;
    if &bytes[..4] != b"PAR1" || &bytes[end + 4..] != b"PAR1" {
        return Err(broken());
    }
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap_or_default()) as usize;
    if length as u64 > LONGEST {
        let problem = format!("the footer has {}, more than {}", format_size(length as u64), format_size(LONGEST));
        return Err(InputError::new(problem).help("write the file in larger row groups"));
    }
    let start = end.checked_sub(length).ok_or_else(broken)?;
    let children = children(&bytes[start..end]).ok_or_else(broken)?;
    let deepest = depth(&children).ok_or_else(broken)?;
    if deepest > DEEPEST {
        let problem = format!("the columns are nested {deepest} levels deep, more than {DEEPEST}");
        return Err(InputError::new(problem).help("write the columns that the task uses to a file of their own"));
    }
    Ok(())
}

/// Returns how many children each element of the schema has, in depth-first order.
fn children(footer: &[u8]) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    Thrift::new(footer).structure(&mut |number, kind, thrift| {
        if (number, kind) != (SCHEMA, LIST) {
            return Some(false);
        }
        let (STRUCT, elements) = thrift.list()? else { return None };
        for _ in 0..elements {
            let mut count = 0;
            thrift.structure(&mut |number, kind, thrift| {
                let wanted = (number, kind) == (CHILDREN, I32);
                if wanted {
                    count = u64::try_from(thrift.integer()?).ok()?;
                }
                Some(wanted)
            })?;
            found.push(count);
        }
        Some(true)
    })?;
    Some(found)
}

/// Returns the depth of the tree, or `None` if the children are not exactly the other elements.
fn depth(children: &[u64]) -> Option<usize> {
    let (mut open, mut deepest) = (vec![1_u64], 0);
    for &count in children {
        while open.last() == Some(&0) {
            open.pop();
        }
        *open.last_mut()? -= 1;
        open.push(count.min(children.len() as u64 + 1));
        deepest = deepest.max(open.len() - 1);
    }
    open.iter().all(|&missing| missing == 0).then_some(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_of_a_schema_is_found_without_recursion() {
        for (children, expected) in [
            (&[0][..], Some(1)),
            (&[2, 0, 0], Some(2)),
            (&[2, 1, 0, 0], Some(3)),
            (&[], None),
            (&[1], None),
            (&[0, 0], None),
            (&[1, u64::MAX], None),
        ] {
            assert_eq!(depth(children), expected, "{children:?}");
        }
        assert_eq!(depth(&[vec![1; 1 << 20], vec![0]].concat()), Some((1 << 20) + 1));
    }

    #[test]
    fn a_file_that_claims_too_much_is_rejected() {
        let file =
            |footer: &[u8]| [b"PAR1", footer, &u32::try_from(footer.len()).unwrap().to_le_bytes(), b"PAR1"].concat();
        // 2: a list of structs, each with 5: i32 `children`
        let schema = |children: &[u64]| {
            let count = children.len() as u8;
            let mut footer = vec![0x29, 0xfc, (count & 0x7f) | 0x80, count >> 7];
            for &count in children {
                footer.extend([0x55, (count << 1) as u8, 0]);
            }
            footer.push(0);
            file(&footer)
        };
        assert!(check(&schema(&[2, 0, 0])).is_ok());
        for (bytes, expected) in [
            (b"PAR1".to_vec(), "not Parquet"),
            (b"PAR1\xff\xff\xf0\x00PAR1".to_vec(), "incomplete"),
            (b"PAR1\xff\xff\xff\x7fPAR1".to_vec(), "the footer has 2.15 GB"),
            (file(&[0x29]), "incomplete"),
            (schema(&[63, 0]), "incomplete"),
            (schema(&[[1; 100].as_slice(), &[0]].concat()), "101 levels deep"),
        ] {
            let message = check(&bytes).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
