//! The tasks at hand: those of the program, and task files by path.

use std::{fs, path::Path};

use super::file::Task;
use crate::{
    demo,
    error::{Error, InputError, Result},
};

/// Finds tasks by name or path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library;

impl Library {
    /// Names of the tasks that are part of the program.
    pub fn names(self) -> Vec<String> {
        demo::TASKS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// The task called `name`, or the one in the file `name` if that ends in `.toml`.
    ///
    /// # Errors
    /// If there is no such task; the error lists what there is. If a file cannot be used, file and line.
    pub fn task(self, name: &str) -> Result<Task> {
        if let Some((name, text)) = demo::TASKS.iter().find(|(known, _)| *known == name) {
            return Task::parse(Path::new(&format!("{name}.toml")), text, embedded);
        }
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") {
            return from_file(path);
        }
        let mut known = self.names();
        known.push("any task file by its path (ends in .toml)".to_owned());
        Err(Error::Unknown { what: "task", given: name.to_owned(), known })
    }
}

fn embedded(file: &Path) -> Result<String> {
    let found = demo::DATA.iter().find(|(name, _)| Path::new(name) == file);
    found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| InputError::new("no such file").path(file).into())
}

fn from_file(path: &Path) -> Result<Task> {
    let read = |path: &Path| {
        let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        String::from_utf8(bytes).map_err(|error| {
            let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = sound.split(|&byte| byte == b'\n').count();
            Error::from(InputError::new("the text is not UTF-8").path(path).line(line).cure("save it as UTF-8"))
        })
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    Task::parse(path, &read(path)?, |file| read(&folder.join(file)))
}
