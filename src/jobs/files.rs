//! The thread that reads and writes files for the explorer: one thing after the other, none left out.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
};

use crate::{
    analysis::WeightsFile,
    disk::write_whole,
    error::{Error, InputError, Result},
    run::Run,
    store::Store,
    task::{Library, Task},
};

use super::stored::{StoredRun, stored};

/// Largest weights file that is read: a hundred thousand components take a tenth of it.
const LARGEST: u64 = 32 << 20;

/// Something to be done with files.
#[derive(Clone, Debug, PartialEq)]
pub enum FileRequest {
    /// Write a mix; the file appears whole or not at all.
    SaveMix {
        /// Where to.
        path: PathBuf,
        /// The mix.
        file: Box<WeightsFile>,
        /// Whether a file that is there is replaced.
        replace: bool,
    },
    /// Read a mix.
    LoadMix {
        /// Comes back with the answer, so that it finds its way.
        run: u64,
        /// Where from.
        path: PathBuf,
    },
    /// Read a task, by its name or as a task file.
    ReadTask(String),
    /// List the store.
    ListRuns,
    /// Read a run of the store, by its key.
    OpenRun(String),
    /// Delete an entry of the store, by its key.
    DeleteRun(String),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum FileEvent {
    /// A mix was written here.
    SavedMix(PathBuf),
    /// It was not: a file is there already.
    Exists(PathBuf),
    /// A mix was read.
    Mix {
        /// From the errand.
        run: u64,
        /// Where it was read.
        path: PathBuf,
        /// The mix.
        file: Box<WeightsFile>,
    },
    /// What the store has, last used first.
    Runs(Vec<StoredRun>),
    /// A run of the store.
    Opened(Box<Run>),
    /// An entry of the store is gone.
    Deleted,
    /// A task, or why it cannot be read.
    Task(String, Result<Arc<Task>, String>),
    /// It did not work, and why.
    Failed(String),
}

/// The handle of the thread. It ends when the handle is dropped and all errands are done.
#[derive(Debug)]
pub struct FileWorker {
    errands: Sender<FileRequest>,
}

impl FileWorker {
    /// Starts the thread; what comes of errands reaches `listen`, in the order they were sent.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(store: Store, listen: impl Fn(FileEvent) + Send + 'static) -> io::Result<Self> {
        let (errands, inbox) = channel();
        let work = move || {
            while let Ok(errand) = inbox.recv() {
                listen(run(&store, errand).unwrap_or_else(|error| FileEvent::Failed(error.to_string())));
            }
        };
        thread::Builder::new().name("clerk".to_owned()).spawn(work)?;
        Ok(Self { errands })
    }

    /// Sends the clerk on an errand.
    pub fn send(&self, errand: FileRequest) {
        // A clerk that is gone reports nothing any more.
        let _ = self.errands.send(errand);
    }
}

fn run(store: &Store, errand: FileRequest) -> Result<FileEvent> {
    match errand {
        FileRequest::SaveMix { path, file, replace } => {
            let path = home(&path);
            if !replace && path.exists() {
                return Ok(FileEvent::Exists(path));
            }
            write_whole(&path, file.to_text().as_bytes())?;
            Ok(FileEvent::SavedMix(path))
        }
        FileRequest::LoadMix { run, path } => {
            let path = home(&path);
            let named = |error: Error| InputError::new(error.to_string()).path(&path);
            let file = WeightsFile::parse(&read_text(&path)?).map_err(named)?;
            Ok(FileEvent::Mix { run, file: Box::new(file), path })
        }
        FileRequest::ReadTask(name) => {
            let task = Library.task(&name).map(Arc::new).map_err(|error| error.to_string());
            Ok(FileEvent::Task(name, task))
        }
        FileRequest::ListRuns => Ok(FileEvent::Runs(store.list().into_iter().filter_map(stored).collect())),
        FileRequest::OpenRun(key) => Ok(FileEvent::Opened(Box::new(store.read_run(&key.parse()?)?))),
        FileRequest::DeleteRun(key) => store.remove(&key.parse()?).map(|_| FileEvent::Deleted),
    }
}

/// `~/` at the beginning is the user's folder, as in a shell.
fn home(path: &Path) -> PathBuf {
    let user = directories::UserDirs::new();
    match (path.strip_prefix("~"), user) {
        (Ok(inside), Some(user)) => user.home_dir().join(inside),
        _ => path.to_owned(),
    }
}

fn read_text(path: &Path) -> Result<String> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(InputError::new("this is no weights file")
            .path(path)
            .cure("name a file that `partscope fit -o` wrote")
            .into());
    }
    fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::mpsc::Receiver, time::Duration};

    use super::*;
    use crate::{
        Component,
        analysis::{Method, weights::SCHEMA},
    };

    fn clerk() -> (FileWorker, Receiver<FileEvent>) {
        let (listen, reports) = channel();
        (FileWorker::start(Store::none(), move |report| drop(listen.send(report))).unwrap(), reports)
    }

    fn next(reports: &Receiver<FileEvent>) -> FileEvent {
        reports.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn file() -> Box<WeightsFile> {
        Box::new(WeightsFile {
            schema: SCHEMA,
            model_hash: "m".to_owned(),
            task: "t".to_owned(),
            template: "u".to_owned(),
            demo_ids: Vec::new(),
            demos: Vec::new(),
            request: None,
            label_words: vec![" a".to_owned(), " b".to_owned()],
            label_tokens: vec![1, 2],
            method: Method::Manual,
            lambda: 0.0,
            rest: 1.0,
            offsets: Vec::new(),
            weights: BTreeMap::from([(Component::head(0, 0), 0.5)]),
        })
    }

    #[test]
    fn a_mix_comes_back_as_it_was_saved() {
        let (folder, (clerk, reports)) = (tempfile::tempdir().unwrap(), clerk());
        let path = folder.path().join("mix.json");
        for replace in [false, false, true] {
            clerk.send(FileRequest::SaveMix { path: path.clone(), file: file(), replace });
        }
        clerk.send(FileRequest::LoadMix { run: 3, path: path.clone() });
        assert!(matches!(next(&reports), FileEvent::SavedMix(saved) if saved == path));
        assert!(matches!(next(&reports), FileEvent::Exists(there) if there == path), "nothing is replaced unasked");
        assert!(matches!(next(&reports), FileEvent::SavedMix(saved) if saved == path));
        let FileEvent::Mix { run: 3, path: read, file: mix } = next(&reports) else { panic!("it is not read") };
        assert_eq!((read, mix), (path, file()));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_said_with_its_path() {
        let (folder, (clerk, reports)) = (tempfile::tempdir().unwrap(), clerk());
        let broken = folder.path().join("broken.json");
        fs::write(&broken, "{}").unwrap();
        for (errand, said) in [
            (FileRequest::LoadMix { run: 1, path: broken }, "broken.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().join("none.json") }, "none.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().to_owned() }, "no weights file"),
            (
                FileRequest::SaveMix { path: folder.path().join("no/such/folder.json"), file: file(), replace: false },
                "folder.json",
            ),
        ] {
            clerk.send(errand);
            let report = next(&reports);
            assert!(matches!(&report, FileEvent::Failed(why) if why.contains(said)), "{report:?}");
        }
    }

    #[test]
    fn tasks_are_read_by_name() {
        let (clerk, reports) = clerk();
        for (name, known) in [("sentiment", true), ("no such task", false)] {
            clerk.send(FileRequest::ReadTask(name.to_owned()));
            let FileEvent::Task(read, task) = next(&reports) else { panic!("no task") };
            assert!(read == name && task.is_ok() == known);
        }
    }
}
