//! The tasks at hand: those of the program, and task files by path.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use super::{
    dataset::{self, prefix},
    diagnostics::Diagnostics,
    file::{DataFile, Outline, Task},
    released,
    spec::DataSpec,
};
use crate::{
    demo,
    error::{Error, InputError, Result},
    hub::{Settings, Watcher},
};

/// Task files of the paper's eight data sets, which come from the hub.
const PAPER: &[(&str, &str)] = &[
    ("sst2", include_str!("../../assets/tasks/sst2.toml")),
    ("boolq", include_str!("../../assets/tasks/boolq.toml")),
    ("qqp", include_str!("../../assets/tasks/qqp.toml")),
    ("wic", include_str!("../../assets/tasks/wic.toml")),
    ("rte", include_str!("../../assets/tasks/rte.toml")),
    ("mnli", include_str!("../../assets/tasks/mnli.toml")),
    ("agnews", include_str!("../../assets/tasks/agnews.toml")),
    ("arc-easy", include_str!("../../assets/tasks/arc-easy.toml")),
];

/// Finds tasks by name or path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Library;

/// The text of a task file, and what its data's names are relative to.
struct Source {
    path: PathBuf,
    text: Cow<'static, str>,
    place: DataSource,
}

enum DataSource {
    /// Part of the program.
    Embedded,
    /// A folder.
    Folder(PathBuf),
    /// The hub only.
    Hub,
}

impl Library {
    /// Names of the tasks whose data is part of the program.
    pub fn names(self) -> Vec<String> {
        demo::TASKS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Names of the paper's tasks, whose data comes from the Hugging Face hub.
    pub fn paper(self) -> Vec<String> {
        PAPER.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// The task called `name`; the one in the file `name` if that ends in `.toml`; or, for `DIR/task`, the paper's
    /// released files `DIR/task_test-f0.jsonl` and so on.
    ///
    /// # Errors
    /// If there is no such task; the error lists what there is. If a file cannot be used, the first mistake in it.
    pub fn task(self, name: &str) -> Result<Task> {
        self.checked(name)?.map_err(Error::from)
    }

    /// As [`Library::task`], with all mistakes.
    ///
    /// # Errors
    /// If there is no such task, or its file cannot be read.
    pub fn checked(self, name: &str) -> Result<Result<Task, Diagnostics>> {
        if let Some(files) = released::find(name) {
            return Ok(files.task());
        }
        let source = self.source(name)?;
        let fetch = |data: &DataSpec, part: &str| fetch(&source.place, data, part);
        Ok(Task::parse(&source.path, &source.text, &fetch))
    }

    /// What the task's file says; no data is read.
    ///
    /// # Errors
    /// As [`Library::task`].
    pub fn outline(self, name: &str) -> Result<Outline> {
        if let Some(files) = released::find(name) {
            let Task { name, description, labels, templates, .. } = files.task().map_err(Error::from)?;
            return Ok(Outline { name, description, labels, templates, hub: None });
        }
        let source = self.source(name)?;
        Outline::parse(&source.path, &source.text).map_err(Error::from)
    }

    fn source(self, name: &str) -> Result<Source> {
        let known = |list: &[(&str, &'static str)]| list.iter().find(|(own, _)| *own == name).map(|(_, text)| *text);
        let own = |text: &'static str, place| {
            Ok(Source { path: PathBuf::from(format!("{name}.toml")), text: Cow::Borrowed(text), place })
        };
        if let Some(text) = known(demo::TASKS) {
            return own(text, DataSource::Embedded);
        }
        if let Some(text) = known(PAPER) {
            return own(text, DataSource::Hub);
        }
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") {
            let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
            let text = super::table::decode(path, &bytes)?.into_owned();
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Source { path: path.to_owned(), text: Cow::Owned(text), place: DataSource::Folder(folder) });
        }
        let mut known = self.names();
        known.extend(self.paper());
        known.push("any task file by its path (ends in .toml)".to_owned());
        Err(Error::Unknown { what: "task", given: name.to_owned(), known })
    }
}

/// The files that `part` stands for.
fn fetch(place: &DataSource, data: &DataSpec, part: &str) -> Result<Vec<DataFile>> {
    if let Some(name) = &data.hub {
        return dataset::files(name, data.config.as_deref(), part, &Settings::from_env(), &Watcher::default());
    }
    match place {
        DataSource::Embedded => {
            let found = demo::DATA.iter().find(|(name, _)| *name == part);
            let (name, text) = found.ok_or_else(|| InputError::new("no such file").path(part))?;
            Ok(vec![DataFile { path: PathBuf::from(name), bytes: text.as_bytes().to_vec(), prefix: prefix(part) }])
        }
        DataSource::Folder(folder) => {
            let path = folder.join(part);
            let bytes = fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            Ok(vec![DataFile { path, bytes, prefix: prefix(part) }])
        }
        DataSource::Hub => Err(InputError::new("no data set is named").field("data.hub").into()),
    }
}
