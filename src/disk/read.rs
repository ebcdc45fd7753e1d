//! Opens and reads regular files, and nothing else.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use super::fault::{Operation, step};
use crate::{
    error::{Error, InputError, Result},
    size::format_size,
};

/// Opens a regular file for reading.
///
/// # Errors
/// If it cannot be opened, or is a folder, a named pipe, a socket or a device: reading some of these would wait for
/// another process, or never end.
pub(crate) fn open(path: &Path) -> Result<File> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    step(Operation::Read).map_err(failed)?;
    // The kind is checked before the file is opened, because opening a named pipe waits for a writer.
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if !kind.is_file() {
        let problem = format!("this is {}, not a regular file", noun(kind));
        return Err(InputError::new(problem).path(path).help(advice(kind)).into());
    }
    File::open(path).map_err(failed)
}

/// Reads a regular file.
///
/// # Errors
/// As [`open`], or if reading fails.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Longest file with settings, such as a task, a keymap or a theme.
const LONGEST_SETTINGS: u64 = 4_000_000;

/// Reads a regular file that a person writes, such as a task, a keymap or a theme.
///
/// # Errors
/// As [`read`], or if it is too long for that.
pub(crate) fn read_settings(path: &Path) -> Result<Vec<u8>> {
    read_up_to(path, LONGEST_SETTINGS)?.ok_or_else(|| {
        let problem = format!("the file has more than {}", format_size(LONGEST_SETTINGS));
        InputError::new(problem).path(path).help("is it the file that you mean?").into()
    })
}

/// Reads a regular file; `None` if it has more than `limit` bytes.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_up_to(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= limit))
}

/// Reads a regular file; `None` if there is none at `path`.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_if_exists(path: &Path) -> Result<Option<Vec<u8>>> {
    if_exists(read(path))
}

/// As [`read_settings`]; `None` if there is no file at `path`.
///
/// # Errors
/// As [`read_settings`].
#[cfg(feature = "tui")]
pub(crate) fn read_settings_if_exists(path: &Path) -> Result<Option<Vec<u8>>> {
    if_exists(read_settings(path))
}

fn if_exists(read: Result<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match read {
        Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

fn noun(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

fn advice(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "name a file in it"
    } else {
        "copy its content to a file first, or use `-` where that reads standard input"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("this is a folder, not a regular file"), "{message}");
        assert_eq!(read_if_exists(&folder.path().join("none")).unwrap(), None);
    }

    #[test]
    fn settings_are_short() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, vec![b'#'; LONGEST_SETTINGS as usize]).unwrap();
        assert_eq!(read_settings(&path).unwrap().len() as u64, LONGEST_SETTINGS);
        std::fs::write(&path, vec![b'#'; LONGEST_SETTINGS as usize + 1]).unwrap();
        assert!(read_settings(&path).unwrap_err().to_string().contains("more than 4 MB"));
    }

    #[test]
    #[cfg(unix)]
    fn devices_and_sockets_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, noun) in [(Path::new("/dev/zero"), "a device"), (&socket, "a socket")] {
            let error = open(path).unwrap_err();
            assert!(error.to_string().contains(noun) && error.exit_code() == 3, "{error}");
        }
    }
}
