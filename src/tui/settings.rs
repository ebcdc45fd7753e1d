//! The user's keys and themes, from the configuration folder.
//!
//! `keymap.toml` changes single keys of the built-in keymap, and every file in `themes/` adds a theme.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{
    app::{Keymap, keymap::DEFAULT},
    disk::{self, expand},
    error::{Error, InputError, Result},
};

use super::{color::Depth, theme::Theme};

/// Contents of `settings.toml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    #[serde(default = "yes")]
    confirm_quit: bool,
}

const fn yes() -> bool {
    true
}

/// Returns the folder that `PARTSCOPE_CONFIG_DIR` names, if it is set and not empty.
pub(super) fn chosen_folder() -> Option<PathBuf> {
    let folder = env::var_os("PARTSCOPE_CONFIG_DIR").filter(|folder| !folder.is_empty())?;
    Some(expand(Path::new(&folder)))
}

/// Returns the configuration folder: `PARTSCOPE_CONFIG_DIR`, or the platform's.
fn folder() -> Option<PathBuf> {
    match chosen_folder() {
        Some(folder) => Some(folder),
        None => Some(directories::ProjectDirs::from("", "", "partscope")?.config_dir().to_owned()),
    }
}

/// Loads the built-in keymap and themes, and adds the user's.
///
/// # Errors
/// If a file cannot be read or is not valid; the error names it.
pub fn load(depth: Depth) -> Result<(Keymap, Vec<Theme>)> {
    let folder = folder();
    Ok((keymap(folder.as_deref())?, themes(folder.as_deref(), depth)?))
}

/// Returns whether quitting asks if something is unfinished: `confirm-quit` in `settings.toml`, by default `true`.
///
/// # Errors
/// If the file cannot be read or is not valid; the error names it.
pub fn confirms_quit() -> Result<bool> {
    confirms_quit_in(folder().as_deref())
}

fn confirms_quit_in(folder: Option<&Path>) -> Result<bool> {
    let Some(path) = folder.map(|folder| folder.join("settings.toml")) else { return Ok(true) };
    let Some(text) = read(&path)? else { return Ok(true) };
    let settings = toml::from_str::<Settings>(&text);
    let settings = settings.map_err(|error| InputError::new(error.message().to_owned()).path(&path))?;
    Ok(settings.confirm_quit)
}

fn keymap(folder: Option<&Path>) -> Result<Keymap> {
    let mut keymap = Keymap::parse(DEFAULT).map_err(|error| InputError::new(error.to_string()))?;
    let Some(path) = folder.map(|folder| folder.join("keymap.toml")) else { return Ok(keymap) };
    if let Some(text) = read(&path)? {
        keymap.change(&text).map_err(|error| InputError::new(error.to_string()).path(&path))?;
    }
    Ok(keymap)
}

fn themes(folder: Option<&Path>, depth: Depth) -> Result<Vec<Theme>> {
    let mut themes = Theme::built_in(depth)?;
    let Some(folder) = folder.map(|folder| folder.join("themes")) else { return Ok(themes) };
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(themes) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in paths {
        if let Some(text) = read(&path)? {
            let named = |error: Error| InputError::new(error.to_string()).path(&path);
            themes.push(Theme::parse(&text, depth).map_err(named)?);
        }
    }
    Ok(themes)
}

/// Returns the text of a file, or `None` if it does not exist.
fn read(path: &Path) -> Result<Option<String>> {
    let text = disk::read_settings_if_exists(path)?.map(String::from_utf8).transpose();
    Ok(text.map_err(|_| InputError::new("the file is not UTF-8 text").path(path).help("save it as UTF-8"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Action, KeyContext, Screen};

    #[test]
    fn user_files_override_the_built_in_ones() {
        let folder = tempfile::tempdir().unwrap();
        let place = Some(folder.path());
        assert_eq!(keymap(place).unwrap(), Keymap::parse(DEFAULT).unwrap());
        fs::write(folder.path().join("keymap.toml"), "[explore]\n\"ctrl-m\" = \"mute\"").unwrap();
        assert_eq!(
            keymap(place).unwrap().lookup(KeyContext::Screen(Screen::Map), "ctrl-m".parse().unwrap()),
            Some(Action::Mute)
        );
        fs::create_dir(folder.path().join("themes")).unwrap();
        let mine = include_str!("../../assets/themes/dark.toml").replace("\"dark\"", "\"mine\"");
        fs::write(folder.path().join("themes/mine.toml"), mine).unwrap();
        assert_eq!(themes(place, Depth::True).unwrap()[2].name, "mine");
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("keymap.toml"), "[explore]\n\"m\" = \"quiet\"").unwrap();
        let message = keymap(Some(folder.path())).unwrap_err().to_string();
        assert!(message.contains("keymap.toml") && message.contains("`quiet`"), "{message}");
    }
}
