//! State stored between sessions: the theme, and the last screen, cursor and quantity of each run.
//!
//! The file is written atomically. It is not essential, so errors with it are ignored.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    app::{Effect, State, state::edits::SavedEdits, update::Remembered},
    disk::{create_folder, read, write_whole},
    text::list,
};

use super::{settings::chosen_folder, theme::Theme};

/// Most runs that are stored; the least recently used is dropped first.
const RUNS: usize = 200;

/// Contents of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Session {
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    runs: Vec<(String, Remembered)>,
    #[serde(default)]
    edits: Vec<(String, SavedEdits)>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(skip)]
    path: Option<PathBuf>,
    #[serde(skip)]
    restored: bool,
}

impl Session {
    /// Reads the user's file: in `PARTSCOPE_CONFIG_DIR` if that is set and exists, otherwise in the platform's state
    /// folder.
    pub fn load() -> Self {
        let path = match chosen_folder() {
            Some(folder) => Some(folder).filter(|folder| folder.is_dir()),
            None => directories::ProjectDirs::from("", "", "partscope")
                .map(|folders| folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned()),
        };
        path.map_or_else(Self::default, |folder| Self::read_from(folder.join("state.json")))
    }

    /// Whether there is a file to store it in.
    pub const fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Reads the file at `path`.
    fn read_from(path: PathBuf) -> Self {
        let known: Self = read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path: Some(path), ..known }
    }

    /// Returns the index of the theme used last.
    pub fn theme(&self, themes: &[Theme]) -> usize {
        themes.iter().position(|theme| Some(&theme.name) == self.theme.as_ref()).unwrap_or(0)
    }

    /// Gives the explorer the recently used models, with the session's own first.
    pub fn restore_models(&self, state: &mut State, current: Option<&str>) {
        state.models.recent.clone_from(&self.models);
        if let Some(name) = current {
            state.models.choose(name);
        }
    }

    /// Gives the explorer the edits of earlier sessions, before it opens a run.
    pub fn restore_edits(&self, state: &mut State) {
        state.edits = self.edits.iter().map(|(name, edits)| (name.clone(), edits.clone().into())).collect();
    }

    /// Restores the stored screen and cursor of the first run on screen; later calls do nothing.
    pub fn restore(&mut self, state: &mut State) -> Vec<Effect> {
        let Some(name) = state.run_name().filter(|_| !self.restored) else { return Vec::new() };
        self.restored = true;
        let known = self.runs.iter().find(|(run, _)| *run == name);
        known.map_or_else(Vec::new, |(_, remembered)| state.restore(remembered))
    }

    /// Stores the theme, the edits of all runs, and the screen, cursor and quantity of the run on screen. Edits of a run that
    /// another explorer stored since this one read them are set aside in a second file; then the result says so.
    pub fn save(&mut self, state: &State, themes: &[Theme]) -> Option<String> {
        self.theme = themes.get(state.theme % themes.len().max(1)).map(|theme| theme.name.clone());
        if let Some(name) = state.run_name() {
            self.runs.retain(|(run, _)| *run != name);
            self.runs.push((name, state.remembered()));
            self.runs.drain(..self.runs.len().saturating_sub(RUNS));
        }
        self.models.clone_from(&state.models.recent);
        let ours = state.saved_edits();
        let written = self.path.clone().map(Self::read_from).unwrap_or_default();
        let replaced = replaced(&self.edits, &ours, &written.edits);
        let merged = merged(&self.edits, &ours, written.edits);
        self.edits = merged.into_iter().take(RUNS).collect();
        let path = self.path.clone();
        let note = path.as_ref().filter(|_| !replaced.is_empty()).map(|path| set_aside(path, replaced));
        if let (Some(path), Ok(text)) = (&path, serde_json::to_string_pretty(self)) {
            let _ = create_folder(path.parent().unwrap_or(path)).and_then(|()| write_whole(path, text.as_bytes()));
        }
        self.edits = ours;
        note
    }
}

/// Edits of runs, by the names of the runs.
type Edits = Vec<(String, SavedEdits)>;

/// Edits that another explorer stored and this one replaces, in the file `set-aside.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct SetAside {
    #[serde(default)]
    edits: Edits,
}

/// Adds edits to the file beside `path`, and returns what to say about it.
fn set_aside(path: &Path, edits: Edits) -> String {
    let aside = path.with_file_name("set-aside.json");
    let kept = read(&aside).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let mut kept: SetAside = kept.unwrap_or_default();
    let names: Vec<&str> = edits.iter().map(|(name, _)| name.split_once('/').map_or(&**name, |(_, run)| run)).collect();
    let what = format!("another explorer changed the mix or the demonstrations of {} at the same time", list(names));
    kept.edits.extend(edits);
    kept.edits.drain(..kept.edits.len().saturating_sub(RUNS));
    let written = serde_json::to_string_pretty(&kept).is_ok_and(|text| write_whole(&aside, text.as_bytes()).is_ok());
    let fate = if written { format!("its changes are in {}", aside.display()) } else { "they are lost".to_owned() };
    format!("{what}: those of this explorer are kept, {fate}")
}

/// Returns the edits in the file that another session wrote since `before` was read, and that `ours` replaces.
fn replaced(before: &[(String, SavedEdits)], ours: &[(String, SavedEdits)], written: &[(String, SavedEdits)]) -> Edits {
    let is_lost = |(name, edits): &&(String, SavedEdits)| {
        let [before, ours] = [before, ours].map(|all| edits_of(all, name));
        let is_same = |other: Option<&SavedEdits>| edits.has_work_of(other.unwrap_or(&SavedEdits::default()));
        before != ours && !is_same(None) && !is_same(before) && !is_same(ours)
    };
    written.iter().filter(is_lost).cloned().collect()
}

fn edits_of<'a>(all: &'a [(String, SavedEdits)], name: &str) -> Option<&'a SavedEdits> {
    all.iter().find(|(run, _)| run == name).map(|(_, edits)| edits)
}

/// Returns the edits to store: those that changed from `before` to `ours` in this session, and for all other runs those
/// in the file, which another session may have written.
fn merged(before: &[(String, SavedEdits)], ours: &[(String, SavedEdits)], written: Edits) -> Edits {
    let is_changed = |name: &str| edits_of(before, name) != edits_of(ours, name);
    let changed = ours.iter().filter(|(name, _)| is_changed(name)).cloned();
    let others = written.into_iter().filter(|(name, _)| !is_changed(name));
    changed.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::tests::harness::Harness, tui::color::Depth};

    #[test]
    fn theme_screen_and_cursor_are_restored() {
        let (folder, themes) = (tempfile::tempdir().unwrap(), Theme::built_in(Depth::None).unwrap());
        let path = folder.path().join("deep/state.json");
        let mut harness = Harness::finished(16);
        Session::read_from(path.clone()).save(&harness.keys("k l d ctrl-t").state, &themes);
        let mut session = Session::read_from(path);
        assert_eq!(session.theme(&themes), 1);
        let mut again = Harness::finished(16);
        session.restore(&mut again.state);
        assert_eq!(again.state.remembered(), harness.state.remembered());
        again.keys("d j");
        session.restore(&mut again.state);
        assert_eq!(again.state.selected_name().unwrap().to_string(), "L0.H1", "the cursor is restored once");
    }

    /// Two sessions at once: neither loses what the other changed.
    #[test]
    fn another_session_keeps_its_edits() {
        let (folder, themes) = (tempfile::tempdir().unwrap(), Theme::built_in(Depth::None).unwrap());
        let path = folder.path().join("state.json");
        let [mut first, mut second] = [0, 1].map(|_| Harness::finished(16));
        let [mut one, mut two] = [0, 1].map(|_| Session::read_from(path.clone()));
        one.save(&first.keys("m").state, &themes);
        second.keys("s");
        second.run_to_end(16);
        two.save(&second.keys("l m").state, &themes);
        let names = |session: &Session| session.edits.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let both = names(&Session::read_from(path.clone()));
        assert_eq!(both.len(), 2, "{both:?}");
        one.save(&first.keys("X").state, &themes);
        let left = names(&Session::read_from(path));
        assert_eq!(left.len(), 1, "a mix that was reset is gone, the other session's stays: {left:?}");
        assert!(both[0] == left[0] || both[1] == left[0]);
    }

    /// Two sessions that change one run: the last one's changes are kept, the other's are set aside, and it is said.
    #[test]
    fn edits_of_one_run_in_two_sessions_are_both_kept() {
        let (folder, themes) = (tempfile::tempdir().unwrap(), Theme::built_in(Depth::None).unwrap());
        let path = folder.path().join("state.json");
        let [mut first, mut second] = [0, 1].map(|_| Harness::finished(16));
        let [mut one, mut two] = [0, 1].map(|_| Session::read_from(path.clone()));
        assert_eq!(one.save(&first.keys("m").state, &themes), None);
        let lost = Session::read_from(path.clone()).edits;
        let said = two.save(&second.keys("l m").state, &themes).unwrap();
        assert!(said.contains("sentiment/review/4 shots/demos 0") && said.contains("set-aside.json"), "{said}");
        let aside: SetAside = serde_json::from_slice(&read(&path.with_file_name("set-aside.json")).unwrap()).unwrap();
        assert_eq!(aside.edits, lost);
        assert_ne!(Session::read_from(path.clone()).edits, lost, "the last one's are kept");
        assert_eq!(two.save(&second.keys("l m").state, &themes), None, "its own changes are no surprise");
        let mut third = Session::read_from(path);
        let mut same = Harness::finished(16);
        third.restore_edits(&mut same.state);
        assert_eq!(third.save(&same.state, &themes), None, "nothing was changed");
    }

    #[test]
    fn an_unusable_file_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for text in ["", "{", "[1, 2]", r#"{"runs": [["x", {"screen": 3}]]}"#] {
            std::fs::write(&path, text).unwrap();
            let mut session = Session::read_from(path.clone());
            assert!(session.restore(&mut Harness::finished(16).state).is_empty(), "{text}");
        }
        Session::read_from(folder.path().to_owned()).save(&Harness::finished(16).state, &[]);
    }
}
