//! Finds tasks: the embedded ones by name, task files by path.

use std::{
    borrow::Cow,
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
    demo, disk,
    error::{Error, InputError, Result},
    hub::{Settings, Watcher},
};

/// Task files of the paper's eight data sets, whose data comes from the hub.
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

/// The text of a task file and the location of its data.
struct Source {
    path: PathBuf,
    text: Cow<'static, str>,
    data: DataSource,
}

/// Location of a task's data.
enum DataSource {
    /// Embedded in the program.
    Embedded,
    /// Files in a folder.
    Folder(PathBuf),
    /// The Hugging Face hub.
    Hub,
}

impl Library {
    /// Returns the names of the tasks whose data is embedded in the program.
    pub fn names(self) -> Vec<String> {
        demo::TASKS.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Returns the names of the paper's tasks, whose data comes from the Hugging Face hub.
    pub fn paper(self) -> Vec<String> {
        PAPER.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Returns the task called `name`; the one in the file `name` if that ends in `.toml`; or, for `DIR/task`, the one
    /// in the paper's released files `DIR/task_test-f0.jsonl` and so on.
    ///
    /// # Errors
    /// If there is no such task; lists the tasks. If a file cannot be used, its first error.
    pub fn task(self, name: &str) -> Result<Task> {
        self.checked(name)?.map_err(Error::from)
    }

    /// As [`Library::task`], with all errors of the task file.
    ///
    /// # Errors
    /// If there is no such task, or its file cannot be read.
    pub fn checked(self, name: &str) -> Result<Result<Task, Diagnostics>> {
        if let Some(files) = released::find(name) {
            return Ok(files.task());
        }
        let source = self.source(name)?;
        let fetch = |data: &DataSpec, part: &str| fetch(&source.data, data, part);
        Ok(Task::parse(&source.path, &source.text, &fetch))
    }

    /// Reads the task's file without its data.
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
        let embedded = |text: &'static str, data| {
            Ok(Source { path: PathBuf::from(format!("{name}.toml")), text: Cow::Borrowed(text), data })
        };
        if let Some(text) = known(demo::TASKS) {
            return embedded(text, DataSource::Embedded);
        }
        if let Some(text) = known(PAPER) {
            return embedded(text, DataSource::Hub);
        }
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = super::table::decode(path, &disk::read(path)?)?.into_owned();
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Source { path: path.to_owned(), text: Cow::Owned(text), data: DataSource::Folder(folder) });
        }
        let mut known = self.names();
        known.extend(self.paper());
        known.push("the path of a task file (ends in .toml)".to_owned());
        Err(Error::Unknown { what: "task", given: name.to_owned(), known })
    }
}

/// Reads the files that `part` names.
fn fetch(source: &DataSource, data: &DataSpec, part: &str) -> Result<Vec<DataFile>> {
    if let Some(name) = &data.hub {
        return dataset::files(name, data.config.as_deref(), part, &Settings::from_env(), &Watcher::default());
    }
    match source {
        DataSource::Embedded => {
            let found = demo::DATA.iter().find(|(name, _)| *name == part);
            let (name, text) = found.ok_or_else(|| InputError::new("no such file").path(part))?;
            Ok(vec![DataFile { path: PathBuf::from(name), bytes: text.as_bytes().to_vec(), prefix: prefix(part) }])
        }
        DataSource::Folder(folder) => {
            let path = folder.join(part);
            let bytes = disk::read(&path)?;
            Ok(vec![DataFile { path, bytes, prefix: prefix(part) }])
        }
        DataSource::Hub => Err(InputError::new("no data set is named").field("data.hub").into()),
    }
}
