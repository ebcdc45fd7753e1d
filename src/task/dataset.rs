//! Data sets of the Hugging Face hub: the hub's Parquet conversions, or files of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    class_names::{CARD, card_of},
    file::DataFile,
    table::without_ending,
};
use crate::{
    disk,
    error::{Error, InputError, Result},
    hub::{Client, Repo, Settings, Watcher},
};

/// The branch with the hub's Parquet conversions: `CONFIG/SPLIT/0000.parquet` and so on.
const CONVERTED: &str = "refs/convert/parquet";
/// File beside the cached files of a split with their number; it shows that the split is complete.
const COUNT: &str = "partscope-files";
/// Maximum number of files of a split: their names have four digits.
const MOST_FILES: usize = 10_000;

/// Returns the files of `part` of the data set `name`: a file of the repository if `part` has a file extension, else
/// the files of a split.
pub(super) fn files(
    name: &str,
    config: Option<&str>,
    part: &str,
    settings: &Settings,
    watcher: &Watcher,
) -> Result<Vec<DataFile>> {
    let repo = Repo::dataset(name).map_err(|error| error.field("data.hub"))?;
    let own = repo.clone().or_at("main");
    if !part.split('/').all(is_plain) || !config.is_none_or(is_plain) {
        let problem = format!("`{part}` is not a split or file of a data set");
        return Err(InputError::new(problem).field("data").help("use e.g. train or data/train.jsonl").into());
    }
    if Path::new(part).extension().is_some() {
        let help = "name a file of the data set's repository, or a split";
        let folder = snapshot(
            &own,
            settings,
            watcher,
            (part, help),
            |folder| folder.join(part).is_file(),
            |client, folder| {
                client.need(folder, part, help)?;
                client.file(folder, CARD).map(|_| ())
            },
        )?;
        let path = folder.join(part);
        return Ok(vec![read(card_of(&path), path, prefix(part))?]);
    }
    let repo = repo.or_at(CONVERTED);
    let help = "check `hub`, `config` and the split's name";
    let place = format!("{}/{part}", config.unwrap_or("default"));
    let shard = |number: usize| format!("{place}/{number:04}.parquet");
    let folder = snapshot(
        &repo,
        settings,
        watcher,
        (&shard(0), help),
        |folder| count(&folder.join(&place)).is_some(),
        |client, folder| {
            client.need(folder, &shard(0), help)?;
            let mut files = 1;
            while client.file(folder, &shard(files))? {
                files += 1;
                if files == MOST_FILES {
                    let problem = format!("the split `{part}` has more than {MOST_FILES} files");
                    return Err(InputError::new(problem).field("data").help("name a file of the data set").into());
                }
            }
            fetch_card(&own, settings, watcher)?;
            let path = folder.join(&place).join(COUNT);
            disk::write_whole(&path, files.to_string().as_bytes())
        },
    )?;
    let files = count(&folder.join(&place)).ok_or_else(|| {
        let problem = "the number of files of this split is not recorded";
        InputError::new(problem).path(folder.join(&place)).help("remove the folder, and fetch the data set again")
    })?;
    let card = own.cached(settings).map(|folder| folder.join(CARD)).filter(|card| card.is_file());
    (0..files).map(|number| read(card.clone(), folder.join(shard(number)), format!("{part}-{number:04}"))).collect()
}

/// Downloads the data set card, if there is one: it names the classes where the Parquet files do not.
fn fetch_card(repo: &Repo, settings: &Settings, watcher: &Watcher) -> Result<()> {
    let client = Client::new(repo, settings, watcher);
    let Some(folder) = client.find_snapshot(CARD)? else { return Ok(()) };
    client.file(&folder, CARD)?;
    client.remember(&folder)
}

/// Returns the folder of the repository's files; calls `fetch` unless `complete` finds the files in the cache.
fn snapshot(
    repo: &Repo,
    settings: &Settings,
    watcher: &Watcher,
    (probe, help): (&str, &str),
    complete: impl Fn(&Path) -> bool,
    fetch: impl Fn(&Client<'_>, &Path) -> Result<()>,
) -> Result<PathBuf> {
    if let Some(folder) = repo.cached(settings).filter(|folder| complete(folder)) {
        return Ok(folder);
    }
    if let Some(reason) = settings.offline {
        let problem = format!("`{probe}` of the data set `{repo}` is not in the cache");
        let help = format!("{reason} forbids connections; download it once without {reason}, or use local files");
        return Err(InputError::new(problem).path(&settings.cache).help(help).into());
    }
    let client = Client::new(repo, settings, watcher);
    let folder = match repo.cached(settings) {
        Some(folder) => folder,
        None => client.snapshot(probe).map_err(|error| with_help(error, help))?,
    };
    fetch(&client, &folder)?;
    client.remember(&folder)?;
    Ok(folder)
}

fn with_help(error: Error, help: &str) -> Error {
    match error {
        Error::Input(error) if error.help.is_none() => error.help(help).into(),
        other => other,
    }
}

fn count(folder: &Path) -> Option<usize> {
    fs::read_to_string(folder.join(COUNT)).ok()?.trim().parse().ok()
}

fn read(card: Option<PathBuf>, path: PathBuf, prefix: String) -> Result<DataFile> {
    let bytes = disk::read(&path)?;
    Ok(DataFile { path, card, bytes, prefix })
}

/// Returns whether `text` can be part of a path within a repository.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Returns a file's path as one name, without extensions and without leading `-` or `.`.
pub(super) fn prefix(part: &str) -> String {
    let name = without_ending(Path::new(part)).with_extension("").to_string_lossy().replace(['/', '\\'], "-");
    name.trim_start_matches(['-', '.']).to_owned()
}
