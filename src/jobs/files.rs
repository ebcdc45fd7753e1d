//! Worker that reads and writes files for the explorer. Requests run in order; none is skipped.

use std::{
    io::{self, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
};

use crate::{
    analysis::WeightsFile,
    disk::{self, create_folder, expand, write_whole},
    error::{Error, InputError, Result},
    report::png,
    run::Run,
    store::{self, Store},
    task::{Library, Task},
};

use super::{
    stored::{StoredRun, stored},
    worker::panic_message,
};

/// Maximum size of a weights file in bytes; a hundred thousand components take a tenth of it.
const MAX_BYTES: u64 = 32 << 20;

/// A request to read or write files.
#[derive(Clone, Debug, PartialEq)]
pub enum FileRequest {
    /// Write a mix atomically.
    SaveMix {
        /// Path to write.
        path: PathBuf,
        /// The mix.
        file: Box<WeightsFile>,
        /// Whether an existing file is replaced.
        replace: bool,
    },
    /// Write a picture of the screen as SVG and PNG, and its table as CSV.
    Export {
        /// Path without ending.
        path: PathBuf,
        /// The picture.
        svg: String,
        /// The table.
        csv: String,
        /// Whether existing files are replaced.
        replace: bool,
    },
    /// Read a mix.
    LoadMix {
        /// Id of the run the mix is for; echoed in the event.
        run: u64,
        /// Path to read.
        path: PathBuf,
    },
    /// Read a task, by name or path.
    ReadTask(String),
    /// List the runs in the store.
    ListRuns,
    /// Read a stored run, by key.
    OpenRun(String),
    /// Read the run that is saved in a folder.
    OpenFolder(PathBuf),
    /// Delete a stored run, by key.
    DeleteRun(String),
}

impl FileRequest {
    /// Returns the event for a failure of this request with the message `why`.
    pub fn failed(&self, why: String) -> FileEvent {
        match self {
            Self::ReadTask(name) => FileEvent::Task(name.clone(), Err(why)),
            Self::ListRuns => FileEvent::Runs(Err(why)),
            Self::SaveMix { .. }
            | Self::Export { .. }
            | Self::LoadMix { .. }
            | Self::OpenRun(_)
            | Self::OpenFolder(_)
            | Self::DeleteRun(_) => FileEvent::Failed(why),
        }
    }
}

/// Result of a request.
#[derive(Clone, Debug)]
pub enum FileEvent {
    /// This mix was written to this path.
    SavedMix(PathBuf, Box<WeightsFile>),
    /// The screen was written under this path, with three endings.
    Exported(PathBuf),
    /// The screen was not written, because a file with this path and one of the endings exists.
    ExportExists(PathBuf),
    /// A mix was not written, because this file exists.
    Exists(PathBuf),
    /// A mix was read.
    Mix {
        /// Id from the request.
        run: u64,
        /// Path of the file.
        path: PathBuf,
        /// The mix.
        file: Box<WeightsFile>,
    },
    /// The stored runs, last used first, or an error message.
    Runs(Result<Vec<StoredRun>, String>),
    /// A stored run was read.
    Opened(Box<Run>),
    /// A stored run was deleted.
    Deleted,
    /// A task by name, or an error message.
    Task(String, Result<Arc<Task>, String>),
    /// The error message of any other failed request.
    Failed(String),
}

/// Handle of the file thread. Dropping it waits until all requests are done, so that a file which was to be saved is.
#[derive(Debug)]
pub struct FileWorker {
    requests: Option<Sender<FileRequest>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for FileWorker {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl FileWorker {
    /// Starts the thread. Each request has one result, passed to `listen` in the order of requests.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(store: Store, listen: impl Fn(FileEvent) + Send + 'static) -> io::Result<Self> {
        let (requests, inbox) = channel();
        let work = move || {
            while let Ok(request) = inbox.recv() {
                listen(result(&store, &request).unwrap_or_else(|why| request.failed(why)));
            }
        };
        let thread = thread::Builder::new().name("files".to_owned()).spawn(work)?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Queues a request.
    pub fn send(&self, request: FileRequest) {
        // Sending fails only if the thread is gone; panics of requests do not end it.
        if let Some(requests) = &self.requests {
            let _ = requests.send(request);
        }
    }
}

/// Calls [`run`] and returns errors and panics as messages.
fn result(store: &Store, request: &FileRequest) -> Result<FileEvent, String> {
    match catch_unwind(AssertUnwindSafe(|| run(store, request))) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(panic_message(panic.as_ref())),
    }
}

fn run(store: &Store, request: &FileRequest) -> Result<FileEvent> {
    match request {
        FileRequest::SaveMix { path, file, replace } => {
            let path = expand(path);
            if !*replace && path.exists() {
                return Ok(FileEvent::Exists(path));
            }
            if path.exists() && !path.is_file() {
                let help = "name a new file, or an existing weights file";
                return Err(InputError::new("this is not a regular file").path(path).help(help).into());
            }
            create_parent(&path)?;
            write_whole(&path, file.to_text().as_bytes())?;
            Ok(FileEvent::SavedMix(path, file.clone()))
        }
        FileRequest::Export { path, svg, csv, replace } => {
            let path = expand(path);
            let file = |ending: &str| PathBuf::from(format!("{}.{ending}", path.display()));
            if !*replace && ["svg", "png", "csv"].iter().any(|ending| file(ending).exists()) {
                return Ok(FileEvent::ExportExists(path));
            }
            create_parent(&path)?;
            write_whole(&file("svg"), svg.as_bytes())?;
            write_whole(&file("png"), &png::bytes(svg)?)?;
            write_whole(&file("csv"), csv.as_bytes())?;
            Ok(FileEvent::Exported(path))
        }
        FileRequest::LoadMix { run, path } => {
            let path = expand(path);
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
        FileRequest::OpenFolder(folder) => Ok(FileEvent::Opened(Box::new(store::open(&expand(folder))?))),
        FileRequest::DeleteRun(key) => store.remove(&key.parse()?).map(|_| FileEvent::Deleted),
    }
}

/// Creates the folder of a file that is about to be written.
fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => create_folder(folder),
        _ => Ok(()),
    }
}

fn read_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = disk::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text);
    if read.map_err(|source| Error::Read { path: path.to_owned(), source })? as u64 > MAX_BYTES {
        let help = "name a file that `partscope fit -o` wrote";
        return Err(InputError::new("not a weights file").path(path).help(help).into());
    }
    Ok(text)
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
            template_hash: String::new(),
            origin_checksum: None,
            schema: SCHEMA,
            model_hash: "m".to_owned(),
            task: "t".to_owned(),
            template: "u".to_owned(),
            demo_ids: Vec::new(),
            demos: Vec::new(),
            request: None,
            label_words: vec![" a".to_owned(), " b".to_owned()],
            label_tokens: vec![1, 2],
            word_classes: None,
            method: Method::Manual,
            lambda: 0.0,
            rest: 1.0,
            offsets: Vec::new(),
            weights: BTreeMap::from([(Component::head(0, 0), 0.5)]),
        })
    }

    #[test]
    fn a_saved_mix_is_loaded_unchanged() {
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let path = folder.path().join("mix.json");
        for replace in [false, false, true] {
            worker.send(FileRequest::SaveMix { path: path.clone(), file: file(), replace });
        }
        worker.send(FileRequest::LoadMix { run: 3, path: path.clone() });
        assert!(matches!(next(&events), FileEvent::SavedMix(saved, _) if saved == path));
        assert!(
            matches!(next(&events), FileEvent::Exists(existing) if existing == path),
            "not replaced without confirmation"
        );
        assert!(matches!(next(&events), FileEvent::SavedMix(saved, _) if saved == path));
        let FileEvent::Mix { run: 3, path: read, file: mix } = next(&events) else { panic!("no mix") };
        assert!(mix.origin_checksum.is_some());
        assert_eq!((read, WeightsFile { origin_checksum: None, ..*mix }), (path, *file()));
    }

    #[test]
    fn a_screen_is_written_as_picture_and_table_and_not_replaced_unasked() {
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let path = folder.path().join("map");
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><text>a</text></svg>".to_owned();
        for replace in [false, false, true] {
            let (path, svg, csv) = (path.clone(), svg.clone(), "a,b\n".to_owned());
            worker.send(FileRequest::Export { path, svg, csv, replace });
        }
        assert!(matches!(next(&events), FileEvent::Exported(written) if written == path));
        assert!(matches!(next(&events), FileEvent::ExportExists(found) if found == path));
        assert!(matches!(next(&events), FileEvent::Exported(_)));
        assert!(std::fs::read(folder.path().join("map.png")).unwrap().starts_with(b"\x89PNG"));
        assert_eq!(std::fs::read_to_string(folder.path().join("map.csv")).unwrap(), "a,b\n");
    }

    #[test]
    fn folders_are_created_and_errors_name_no_flag() {
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let path = folder.path().join("new/deep/mix.json");
        worker.send(FileRequest::SaveMix { path: path.clone(), file: file(), replace: false });
        assert!(matches!(next(&events), FileEvent::SavedMix(saved, _) if saved == path && path.is_file()));
        worker.send(FileRequest::SaveMix { path: path.join("below a file"), file: file(), replace: false });
        let FileEvent::Failed(why) = next(&events) else { panic!("saved below a file") };
        assert!(!why.contains("-o"), "{why}");
    }

    #[test]
    fn quitting_waits_for_a_save() {
        let (folder, (worker, _events)) = (tempfile::tempdir().unwrap(), start());
        let path = |i: usize| folder.path().join(format!("{i}.json"));
        for i in 0..20 {
            worker.send(FileRequest::SaveMix { path: path(i), file: file(), replace: false });
        }
        drop(worker);
        assert!((0..20).all(|i| path(i).exists()));
    }

    #[test]
    fn errors_name_the_path() {
        let (folder, (worker, events)) = (tempfile::tempdir().unwrap(), start());
        let broken = folder.path().join("broken.json");
        std::fs::write(&broken, "{}").unwrap();
        let below = broken.join("folder.json");
        for (request, expected) in [
            (FileRequest::LoadMix { run: 1, path: broken }, "broken.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().join("none.json") }, "none.json"),
            (FileRequest::LoadMix { run: 1, path: folder.path().to_owned() }, "not a regular file"),
            (FileRequest::OpenFolder(folder.path().to_owned()), "run.json"),
            (FileRequest::OpenFolder(folder.path().join("none")), "there is no such folder"),
            (FileRequest::SaveMix { path: below, file: file(), replace: false }, "broken.json"),
        ] {
            worker.send(request);
            let event = next(&events);
            assert!(matches!(&event, FileEvent::Failed(why) if why.contains(expected)), "{event:?}");
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
