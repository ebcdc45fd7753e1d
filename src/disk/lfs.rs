//! Git LFS pointers, which stand for files that were not fetched.

use std::path::Path;

use crate::error::InputError;

/// Returns whether `bytes` are a Git LFS pointer, which stands for a file that was not fetched.
pub(crate) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Returns the error for a Git LFS pointer at `path`.
pub(crate) fn lfs_pointer(path: &Path) -> InputError {
    InputError::new("this is a Git LFS pointer, not the file itself")
        .path(path)
        .help("fetch the file with `git lfs pull`, or download it again")
}
