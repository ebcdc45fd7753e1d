//! What is remembered between two starts: the theme, and where each run was left.
//!
//! A small file that is written whole or not at all. Losing it costs nothing, so nothing that goes wrong with it is
//! worth a message.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::app::{Effect, State, update::Remembered};

use super::theme::Theme;

/// Runs that are remembered; the longest unvisited is forgotten first.
const RUNS: usize = 200;

/// The file, as far as it could be read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    runs: Vec<(String, Remembered)>,
    #[serde(skip)]
    path: Option<PathBuf>,
    #[serde(skip)]
    recalled: bool,
}

impl Memory {
    /// Reads the file of this user: beside the configuration if `PARTSCOPE_CONFIG_DIR` names a folder that is there,
    /// else in the platform's place for states.
    pub fn of_user() -> Self {
        let path = match env::var_os("PARTSCOPE_CONFIG_DIR") {
            Some(folder) => Some(PathBuf::from(folder)).filter(|folder| folder.is_dir()),
            None => directories::ProjectDirs::from("", "", "partscope")
                .map(|folders| folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned()),
        };
        path.map_or_else(Self::default, |folder| Self::at(folder.join("state.json")))
    }

    /// Reads this file.
    fn at(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let read: Self = serde_json::from_str(&text).unwrap_or_default();
        Self { path: Some(path), ..read }
    }

    /// The number of the theme that was used last.
    pub fn theme(&self, themes: &[Theme]) -> usize {
        themes.iter().position(|theme| Some(&theme.name) == self.theme.as_ref()).unwrap_or(0)
    }

    /// Goes back to where the first run that is shown was left, once.
    pub fn recall(&mut self, state: &mut State) -> Vec<Effect> {
        let Some(name) = state.run_name().filter(|_| !self.recalled) else { return Vec::new() };
        self.recalled = true;
        let known = self.runs.iter().find(|(run, _)| *run == name);
        known.map_or_else(Vec::new, |(_, remembered)| state.recall(remembered))
    }

    /// Writes down where `state` is left.
    pub fn keep(&mut self, state: &State, themes: &[Theme]) {
        self.theme = themes.get(state.theme % themes.len().max(1)).map(|theme| theme.name.clone());
        if let Some(name) = state.run_name() {
            self.runs.retain(|(run, _)| *run != name);
            self.runs.push((name, state.remembered()));
            self.runs.drain(..self.runs.len().saturating_sub(RUNS));
        }
        if let (Some(path), Ok(text)) = (&self.path, serde_json::to_string_pretty(self)) {
            let _ = write(path, text.as_bytes());
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::tests::harness::Harness, tui::color::Depth};

    #[test]
    fn theme_and_place_come_back() {
        let (folder, themes) = (tempfile::tempdir().unwrap(), Theme::built_in(Depth::None).unwrap());
        let path = folder.path().join("deep/state.json");
        let mut bench = Harness::finished(16);
        Memory::at(path.clone()).keep(&bench.keys("k l d ctrl-t").state, &themes);
        let mut memory = Memory::at(path);
        assert_eq!(memory.theme(&themes), 1);
        let mut again = Harness::finished(16);
        memory.recall(&mut again.state);
        assert_eq!(again.state.remembered(), bench.state.remembered());
        again.keys("d j");
        memory.recall(&mut again.state);
        assert_eq!(again.state.selected_name().unwrap().to_string(), "L0.H1", "it is gone back to once");
    }

    #[test]
    fn a_file_that_cannot_be_used_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in ["", "{", "[1, 2]", r#"{"runs": [["x", {"screen": 3}]]}"#] {
            fs::write(&path, text).unwrap();
            let mut memory = Memory::at(path.clone());
            assert!(memory.recall(&mut Harness::finished(16).state).is_empty(), "{text}");
        }
        Memory::at(folder.path().to_owned()).keep(&Harness::finished(16).state, &[]);
    }
}
