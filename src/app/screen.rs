//! The screens, each declared once.
//!
//! A screen is an entry of this list, a file in `src/tui/views/` with its name in `src/tui/views/mod.rs`, an action
//! that opens it, and a key for that action. A screen that handles some actions itself also has a file in
//! `src/app/update/`. Tabs, key contexts, keymap tables, saved sessions and tests are derived from this list.

use super::action::Action;

/// A keymap table shared by several screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedKeys {
    /// Screens with a map cursor.
    Cursor,
    /// Screens that list examples.
    Lists,
    /// Screens that edit the mix.
    Faders,
}

impl SharedKeys {
    /// All shared tables, in the order of the keymap.
    pub const ALL: [Self; 3] = [Self::Cursor, Self::Lists, Self::Faders];

    /// Name of the table in the keymap.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::Lists => "lists",
            Self::Faders => "faders",
        }
    }
}

/// Declaration of a screen.
struct Declaration {
    /// Name in `state.json`.
    name: &'static str,
    /// Title of the tab.
    title: &'static str,
    /// Keymap table for this screen only.
    keys: &'static str,
    /// Shared keymap tables that also apply here.
    shared: &'static [SharedKeys],
    /// Action that opens the screen from the map.
    opened_by: Action,
    /// Whether the next session may start on this screen; not if it needs a second run or a result from the model.
    reopened: bool,
}

macro_rules! screens {
    ($($(#[$about:meta])* $screen:ident = $declaration:expr,)*) => {
        /// A screen: the content between the header and the status line.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Screen { $($(#[$about])* $screen,)* }

        impl Screen {
            /// All screens, in tab order.
            pub const ALL: &'static [Self] = &[$(Self::$screen,)*];

            const fn declaration(self) -> &'static Declaration {
                match self { $(Self::$screen => &$declaration,)* }
            }
        }
    };
}

screens! {
    /// Components of a run.
    #[default]
    Map = Declaration {
        name: "map",
        title: "map",
        keys: "explore",
        shared: &[SharedKeys::Cursor, SharedKeys::Lists, SharedKeys::Faders],
        opened_by: Action::Close,
        reopened: true,
    },
    /// Weights of the components.
    Mixer = Declaration {
        name: "desk",
        title: "mixer",
        keys: "mix",
        shared: &[SharedKeys::Faders],
        opened_by: Action::Mixer,
        reopened: true,
    },
    /// Demonstrations in the prompt.
    Prompt = Declaration {
        name: "prompt",
        title: "prompt",
        keys: "prompt",
        shared: &[],
        opened_by: Action::Prompt,
        reopened: true,
    },
    /// Test examples, one of them in detail.
    Examples = Declaration {
        name: "examples",
        title: "examples",
        keys: "examples",
        shared: &[SharedKeys::Lists],
        opened_by: Action::Examples,
        reopened: true,
    },
    /// Effects of the mix, attention, logit lens.
    Experiments = Declaration {
        name: "cause",
        title: "experiments",
        keys: "cause",
        shared: &[SharedKeys::Cursor, SharedKeys::Lists, SharedKeys::Faders],
        opened_by: Action::Attention,
        reopened: false,
    },
    /// Two runs side by side.
    Compare = Declaration {
        name: "compare",
        title: "compare",
        keys: "compare",
        shared: &[SharedKeys::Cursor, SharedKeys::Lists],
        opened_by: Action::Compare,
        reopened: false,
    },
    /// Agreement of all open runs with each other.
    Matrix = Declaration {
        name: "matrix",
        title: "matrix",
        keys: "matrix",
        shared: &[],
        opened_by: Action::Matrix,
        reopened: false,
    },
    /// All runs: open, queued and stored.
    Runs = Declaration {
        name: "runs",
        title: "runs",
        keys: "runs",
        shared: &[],
        opened_by: Action::Runs,
        reopened: true,
    },
}

impl Screen {
    /// Name in `state.json`.
    pub const fn name(self) -> &'static str {
        self.declaration().name
    }

    /// Title of the tab.
    pub const fn title(self) -> &'static str {
        self.declaration().title
    }

    /// Name of the keymap table for this screen only.
    pub const fn keys(self) -> &'static str {
        self.declaration().keys
    }

    /// Shared keymap tables that also apply here.
    pub const fn shared_keys(self) -> &'static [SharedKeys] {
        self.declaration().shared
    }

    /// Action that opens the screen from the map.
    pub const fn opened_by(self) -> Action {
        self.declaration().opened_by
    }

    /// Returns the screen to start on when the last session ended on the screen `name`: the map if that screen is
    /// unknown or not marked as reopened.
    pub fn reopened(name: &str) -> Self {
        let known = Self::ALL.iter().copied().find(|screen| screen.name() == name);
        known.filter(|screen| screen.declaration().reopened).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_titles_and_tables_are_distinct() {
        for word in [Screen::name, Screen::title, Screen::keys] {
            let words: BTreeSet<&str> = Screen::ALL.iter().map(|&screen| word(screen)).collect();
            assert_eq!(words.len(), Screen::ALL.len(), "{words:?}");
        }
    }

    #[test]
    fn screens_that_need_more_data_reopen_as_the_map() {
        assert_eq!(Screen::reopened("desk"), Screen::Mixer);
        for name in ["compare", "cause", "no such screen"] {
            assert_eq!(Screen::reopened(name), Screen::Map, "{name}");
        }
    }
}
