//! Lines of the help: what the panes of the screen show, the keys that work there, and all other keys. A typed text
//! filters them.

use crate::app::{
    action::{Action, Section},
    keymap::KeyContext,
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
        [self.pane_rows(&needle), self.key_rows(&needle)].concat()
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

    #[test]
    fn a_text_filters_the_help() {
        let harness = Harness::finished(16);
        let help = Help { needle: "Penalty".to_owned(), ..Help::default() };
        let rows = harness.state.help_rows(&help);
        assert!(rows.contains(&HelpRow::Key("[".to_owned(), Action::Stronger)) && rows.len() < 10, "{rows:?}");
    }
}
