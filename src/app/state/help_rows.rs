//! Lines of the help: what the panes of the screen show, the keys that work there, and all other keys. A typed text
//! filters them.

use crate::app::{
    action::{Action, Section},
    keymap::{Key, KeyContext},
    screen::Screen,
};

use super::{State, explain::explanations, help::Help};

/// Columns of a line about a pane: what fits in the popup on the narrowest screen.
const COLUMNS: usize = 64;

/// A line of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpRow {
    /// A heading.
    Title(String),
    /// A line about a pane.
    Text(String),
    /// Where something is defined.
    Source(String),
    /// Keys and what they do.
    Key(String, Action),
}

impl State {
    /// Returns the lines of the help.
    pub fn help_rows(&self, help: &Help) -> Vec<HelpRow> {
        let needle = help.needle.trim().to_lowercase();
        [self.pane_rows(&needle), self.key_rows(&needle), self.differing_rows(&needle)].concat()
    }

    /// Returns the keys of the screen that do something else on other screens, with the reason.
    fn differing_rows(&self, needle: &str) -> Vec<HelpRow> {
        let here = KeyContext::Screen(self.screen);
        let mut rows = Vec::new();
        for &action in Action::ALL {
            for key in self.keymap.keys(here, action) {
                let elsewhere = self.meanings_elsewhere(&key, action);
                if !elsewhere.is_empty() {
                    rows.push(format!("{key}: {} here, {}", action.name(), elsewhere.join(", ")));
                }
            }
        }
        rows.retain(|row| row.to_lowercase().contains(needle));
        if rows.is_empty() {
            return Vec::new();
        }
        let title = HelpRow::Title("keys that differ on other screens".to_owned());
        let reason = HelpRow::Text(reason(self.screen).to_owned());
        let rows = rows.iter().flat_map(|row| wrapped(row)).map(HelpRow::Text);
        [title, reason].into_iter().chain(rows).collect()
    }

    /// Returns what a key does on the other screens, if that is not the same as here: `metric on map, compare`.
    fn meanings_elsewhere(&self, key: &str, here: Action) -> Vec<String> {
        let Ok(key) = key.parse::<Key>() else { return Vec::new() };
        let mut found: Vec<(Action, Vec<&str>)> = Vec::new();
        for &screen in Screen::ALL.iter().filter(|&&screen| screen != self.screen) {
            let Some(action) = self.keymap.lookup(KeyContext::Screen(screen), key) else { continue };
            if action == here || (moves(action) && moves(here)) {
                continue;
            }
            match found.iter_mut().find(|(other, _)| *other == action) {
                Some((_, screens)) => screens.push(screen.title()),
                None => found.push((action, vec![screen.title()])),
            }
        }
        found.into_iter().map(|(action, screens)| format!("{} on {}", action.name(), screens.join(" "))).collect()
    }

    fn pane_rows(&self, needle: &str) -> Vec<HelpRow> {
        let mut rows = Vec::new();
        for about in explanations(self.screen, self.map.metric) {
            let all = format!("{} {}", about.pane, about.lines.join(" ")).to_lowercase();
            if !all.contains(needle) {
                continue;
            }
            rows.push(HelpRow::Title(format!("pane: {}", about.pane)));
            rows.extend(about.lines.iter().flat_map(|line| wrapped(line)).map(HelpRow::Text));
            rows.push(HelpRow::Source(format!("defined in {}", about.source)));
        }
        rows
    }

    fn key_rows(&self, needle: &str) -> Vec<HelpRow> {
        let here = KeyContext::Screen(self.screen);
        let mut rows = Vec::new();
        for (title, is_here) in [("keys", true), ("elsewhere", false)] {
            for section in Section::ALL {
                let actions =
                    Action::ALL.iter().filter(|action| action.section() == section && **action != Action::Nothing);
                let keyed = actions.filter_map(|&action| {
                    let own = self.keymap.keys(here, action);
                    let keys = if is_here {
                        own
                    } else if own.is_empty() {
                        self.keymap.any_keys(action)
                    } else {
                        Vec::new()
                    };
                    Some(HelpRow::Key(Some(keys).filter(|keys| !keys.is_empty())?.join("  "), action))
                });
                let matches = |row: &HelpRow| match row {
                    HelpRow::Key(keys, action) => {
                        format!("{keys} {} {}", action.name(), action.description()).to_lowercase().contains(needle)
                    }
                    _ => true,
                };
                let keyed: Vec<HelpRow> = keyed.filter(matches).collect();
                if !keyed.is_empty() {
                    rows.push(HelpRow::Title(format!("{title}: {}", section.title())));
                    rows.extend(keyed);
                }
            }
        }
        rows
    }
}

/// Whether an action moves a cursor.
fn moves(action: Action) -> bool {
    action.section() == Section::Cursor || matches!(action, Action::ListDown | Action::ListUp)
}

/// Returns why keys of a screen do something else than elsewhere.
const fn reason(screen: Screen) -> &'static str {
    match screen {
        Screen::Map | Screen::Experiments => "The cursor is on a component.",
        Screen::Mixer => "The cursor is on a fader, so left and right move it.",
        Screen::Prompt => "The cursor is on a demonstration, and there is no map.",
        Screen::Examples => "The cursor is on an example, and there is no map.",
        Screen::Compare => "The cursor is on a component, of a pair of runs.",
        Screen::Matrix => "The cursor is on a pair of runs.",
        Screen::Runs => "The cursor is on a run.",
    }
}

/// Wraps a text at spaces to lines that fit on the narrowest screen.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= COLUMNS => {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::harness::Harness;

    #[test]
    fn every_action_is_listed_once_with_keys() {
        for keys in ["", "d", "p", "e", "c", "M", "R"] {
            let mut harness = Harness::finished(16);
            let rows = harness.keys(keys).state.help_rows(&Help::default());
            for &action in Action::ALL.iter().filter(|&&action| action != Action::Nothing) {
                let listed = rows.iter().filter(|row| matches!(row, HelpRow::Key(_, listed) if *listed == action));
                assert_eq!(listed.count(), 1, "{} on {keys}", action.name());
            }
        }
    }

    /// 11: a key with another meaning elsewhere is named in the help, with the reason.
    #[test]
    fn keys_that_differ_between_screens_are_explained() {
        let mut harness = Harness::finished(16);
        let all =
            |rows: Vec<HelpRow>| -> String { rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>().join("\n") };
        let prompt = all(harness.keys("p").state.help_rows(&Help::default()));
        for text in
            ["a: add here, metric on map", "n: swap here, method on mixer, other-run on compare", "there is no map"]
        {
            assert!(prompt.contains(text), "{text}: {prompt}");
        }
        let mixer = all(harness.keys("d").state.help_rows(&Help::default()));
        assert!(mixer.contains("l: gain-up here, right on map") && mixer.contains("left and right move it"), "{mixer}");
        for keys in ["esc", "d", "p", "e", "c", "M", "R"] {
            let rows = all(harness.keys("esc").keys(keys).state.help_rows(&Help::default()));
            assert!(!rows.contains("i: ") && !rows.contains("q: "), "{rows}");
        }
    }

    #[test]
    fn a_text_filters_the_help() {
        let harness = Harness::finished(16);
        let help = Help { needle: "Penalty".to_owned(), ..Help::default() };
        let rows = harness.state.help_rows(&help);
        assert!(rows.contains(&HelpRow::Key("[".to_owned(), Action::Stronger)) && rows.len() < 10, "{rows:?}");
    }
}
