//! The worker that reads and writes files for the explorer. Requests run in order; none is skipped.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
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

use super::{
    stored::{StoredRun, stored},
    worker::panic_message,
};

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
        /// The run that the mix is for; echoed in the event.
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

impl FileRequest {
    /// The event that says that this request failed, and why.
    pub fn failed(&self, why: String) -> FileEvent {
        match self {
            Self::ReadTask(name) => FileEvent::Task(name.clone(), Err(why)),
            Self::ListRuns => FileEvent::Runs(Err(why)),
            Self::SaveMix { .. } | Self::LoadMix { .. } | Self::OpenRun(_) | Self::DeleteRun(_) => {
                FileEvent::Failed(why)
            }
        }
    }
}

/// The result of a request.
#[derive(Clone, Debug)]
pub enum FileEvent {
    /// A mix was written here.
    SavedMix(PathBuf),
    /// It was not: a file is there already.
    Exists(PathBuf),
    /// A mix was read.
    Mix {
        /// From the request.
        run: u64,
        /// Where it was read.
        path: PathBuf,
        /// The mix.
        file: Box<WeightsFile>,
    },
    /// The runs of the store, last used first, or why they cannot be listed.
    Runs(Result<Vec<StoredRun>, String>),
    /// A run of the store.
    Opened(Box<Run>),
    /// An entry of the store is gone.
    Deleted,
    /// A task, or why it cannot be read.
    Task(String, Result<Arc<Task>, String>),
    /// It did not work, and why.
    Failed(String),
}

/// The handle of the thread. It ends when the handle is dropped and all requests are done.
#[derive(Debug)]
pub struct FileWorker {
    requests: Sender<FileRequest>,
}

impl FileWorker {
    /// Starts the thread; each request has one result, which reaches `listen` in the order of the requests.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(store: Store, listen: impl Fn(FileEvent) + Send + 'static) -> io::Result<Self> {
        let (requests, inbox) = channel();
        let work = move || {
            while let Ok(request) = inbox.recv() {
                listen(result(&store, &request).unwrap_or_else(|why| request.failed(why)));
            }
        };
        thread::Builder::new().name("files".to_owned()).spawn(work)?;
        Ok(Self { requests })
    }

    /// Queues a request.
    pub fn send(&self, request: FileRequest) {
        // Sending fails only if the thread is gone; panics of requests do not end it.
        let _ = self.requests.send(request);
    }
}

/// What `run` returns; a panic is an error.
fn result(store: &Store, request: &FileRequest) -> Result<FileEvent, String> {
    match catch_unwind(AssertUnwindSafe(|| run(store, request))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(panic_message(panic.as_ref())),
    }
}

fn run(store: &Store, request: &FileRequest) -> Result<FileEvent> {
    match request {
        FileRequest::SaveMix { path, file, replace } => {
            let path = home(path);
            if !*replace && path.exists() {
                return Ok(FileEvent::Exists(path));
            }
            write_whole(&path, file.to_text().as_bytes())?;
            Ok(FileEvent::SavedMix(path))
        }
        FileRequest::LoadMix { run, path } => {
            let path = home(path);
            let named = |error: Error| InputError::new(error.to_string()).path(&path);
            let file = WeightsFile::parse(&read_text(&path)?).map_err(named)?;
            Ok(FileEvent::Mix { run: *run, file: Box::new(file), path })
        }
        FileRequest::ReadTask(name) => {
            let task = Library.task(name).map(Arc::new).map_err(|error| error.to_string());
            Ok(FileEvent::Task(name.clone(), task))
        }
        FileRequest::ListRuns => Ok(FileEvent::Runs(Ok(store.list().into_iter().filter_map(stored).collect()))),
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

    fn start() -> (FileWorker, Receiver<FileEvent>) {
        let (listen, events) = channel();
        (FileWorker::start(Store::none(), move |event| drop(listen.send(event))).unwrap(), events)
    }

    fn next(events: &Receiver<FileEvent>) -> FileEvent {
        events.recv_timeout(Duration::from_secs(20)).unwrap()
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
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let path = folder.path().join("mix.json");
        for replace in [false, false, true] {
            worker.send(FileRequest::SaveMix { path: path.clone(), file: file(), replace });
        }
        worker.send(FileRequest::LoadMix { run: 3, path: path.clone() });
        assert!(matches!(next(&events), FileEvent::SavedMix(saved) if saved == path));
        assert!(matches!(next(&events), FileEvent::Exists(there) if there == path), "nothing is replaced unasked");
        assert!(matches!(next(&events), FileEvent::SavedMix(saved) if saved == path));
        let FileEvent::Mix { run: 3, path: read, file: mix } = next(&events) else { panic!("it is not read") };
        assert_eq!((read, mix), (path, file()));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_said_with_its_path() {
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let broken = folder.path().join("broken.json");
        fs::write(&broken, "{}").unwrap();
        for (request, said) in [
            (FileRequest::LoadMix { run: 1, path: broken }, "broken.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().join("none.json") }, "none.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().to_owned() }, "no weights file"),
            (
                FileRequest::SaveMix { path: folder.path().join("no/such/folder.json"), file: file(), replace: false },
                "folder.json",
            ),
        ] {
            worker.send(request);
            let event = next(&events);
            assert!(matches!(&event, FileEvent::Failed(why) if why.contains(said)), "{event:?}");
        }
    }

    #[test]
    fn tasks_are_read_by_name() {
        let (worker, events) = start();
        for (name, known) in [("sentiment", true), ("no such task", false)] {
            worker.send(FileRequest::ReadTask(name.to_owned()));
            let FileEvent::Task(read, task) = next(&events) else { panic!("no task") };
            assert!(read == name && task.is_ok() == known);
        }
    }
}
