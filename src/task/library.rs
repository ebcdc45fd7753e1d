//! Finds tasks: the embedded ones by name, task files by path.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use super::{
    class_names::card_of,
    dataset::{self, prefix},
    diagnostics::Diagnostics,
    file::{DataFile, Outline, Task},
    harness, released,
    spec::{DataSpec, Spec},
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

/// Task files of the ten data sets of StaICC (Cho 2025, arXiv 2501.15708), with its template and label words.
const STAICC: &[(&str, &str)] = &[
    ("staicc-sst2", include_str!("../../assets/tasks/staicc/sst2.toml")),
    ("staicc-rotten-tomatoes", include_str!("../../assets/tasks/staicc/rotten-tomatoes.toml")),
    ("staicc-financial-phrasebank", include_str!("../../assets/tasks/staicc/financial-phrasebank.toml")),
    ("staicc-sst5", include_str!("../../assets/tasks/staicc/sst5.toml")),
    ("staicc-trec", include_str!("../../assets/tasks/staicc/trec.toml")),
    ("staicc-agnews", include_str!("../../assets/tasks/staicc/agnews.toml")),
    ("staicc-subjective", include_str!("../../assets/tasks/staicc/subjective.toml")),
    ("staicc-tweet-emotion", include_str!("../../assets/tasks/staicc/tweet-emotion.toml")),
    ("staicc-tweet-hate", include_str!("../../assets/tasks/staicc/tweet-hate.toml")),
    ("staicc-hate-speech18", include_str!("../../assets/tasks/staicc/hate-speech18.toml")),
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

    /// Returns the names of all tasks whose data comes from the Hugging Face hub: the paper's and StaICC's.
    pub fn hub(self) -> Vec<String> {
        PAPER.iter().chain(STAICC).map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Returns the task called `name`; the one in the file `name` if that ends in `.toml`, `.yaml` (of the
    /// evaluation harness) or `.jsonl` (a sample log of the harness); or, for `DIR/task`, the one in the paper's
    /// released files `DIR/task_test-f0.jsonl` and so on.
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
        if harness::is_sample_log(Path::new(name)) {
            return harness::sample_log(Path::new(name));
        }
        let source = self.source(name)?;
        let fetch = |data: &DataSpec, part: &str| fetch(&source.data, data, part);
        let (spec, diagnostics) = source.spec();
        Ok(Task::read(spec, diagnostics, &fetch))
    }

    /// Reads the task's file without its data.
    ///
    /// # Errors
    /// As [`Library::task`].
    pub fn outline(self, name: &str) -> Result<Outline> {
        if released::find(name).is_some() || harness::is_sample_log(Path::new(name)) {
            let Task { name, description, labels, templates, .. } = self.task(name)?;
            return Ok(Outline { name, description, labels, templates, hub: None });
        }
        let (spec, diagnostics) = self.source(name)?.spec();
        Outline::of(spec, diagnostics).map_err(Error::from)
    }

    fn source(self, name: &str) -> Result<Source> {
        let known = |list: &[(&str, &'static str)]| list.iter().find(|(own, _)| *own == name).map(|(_, text)| *text);
        let embedded = |text: &'static str, data| {
            Ok(Source { path: PathBuf::from(format!("{name}.toml")), text: Cow::Borrowed(text), data })
        };
        if let Some(text) = known(demo::TASKS) {
            return embedded(text, DataSource::Embedded);
        }
        if let Some(text) = known(PAPER).or_else(|| known(STAICC)) {
            return embedded(text, DataSource::Hub);
        }
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "toml") || harness::is_task_file(path) {
            let text = super::table::decode(path, &disk::read_settings(path)?)?.into_owned();
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            return Ok(Source { path: path.to_owned(), text: Cow::Owned(text), data: DataSource::Folder(folder) });
        }
        let mut known = self.names();
        known.extend(self.hub());
        known.push("the path of a task file (ends in .toml)".to_owned());
        known.push("a task file (.yaml) or a sample log (samples_….jsonl) of lm-evaluation-harness".to_owned());
        Err(Error::Unknown { what: "task", given: name.to_owned(), known })
    }
}

impl Source {
    /// Reads the task file's fields.
    fn spec(&self) -> (Option<Spec>, Diagnostics) {
        if harness::is_task_file(&self.path) {
            return harness::task_file(&self.path, &self.text);
        }
        Spec::read(&self.path, &self.text)
    }
}

/// Reads the files that `part` names.
fn fetch(source: &DataSource, data: &DataSpec, part: &str) -> Result<Vec<DataFile>> {
    if let Some(name) = &data.hub {
        return dataset::files(name, data.config.as_deref(), part, &Settings::from_env()?, &Watcher::default());
    }
    match source {
        DataSource::Embedded => {
            let found = demo::DATA.iter().find(|(name, _)| *name == part);
            let (name, text) = found.ok_or_else(|| InputError::new("no such file").path(part))?;
            let (path, bytes) = (PathBuf::from(name), text.as_bytes().to_vec());
            Ok(vec![DataFile { path, bytes, prefix: prefix(part), card: None }])
        }
        DataSource::Folder(folder) => {
            let path = folder.join(part);
            let bytes = disk::read(&path)?;
            Ok(vec![DataFile { card: card_of(&path), path, bytes, prefix: prefix(part) }])
        }
        DataSource::Hub => Err(InputError::new("no data set is named").field("data.hub").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_of_the_hub_has_its_name_and_a_valid_file() {
        for name in Library.hub() {
            let outline = Library.outline(&name).unwrap();
            assert!(outline.name == name && outline.hub.is_some(), "{name}");
        }
        assert_eq!(Library.hub().len(), 18);
    }
}
