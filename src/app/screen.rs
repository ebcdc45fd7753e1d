//! The screens, declared once.
//!
//! A screen is a row of this list, a file in `src/tui/views/` with its name in `src/tui/views/mod.rs`, an action that
//! opens it, and a key of that action. If it gives actions a meaning of its own, it also has a file in
//! `src/app/update/`. Tabs, key contexts, tables of the keymap, what is remembered and what is tested follow from here.

use super::action::Action;

/// A table of the keymap that holds on several screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedKeys {
    /// Holds where there is a cursor on a map.
    Cursor,
    /// Holds where examples are listed.
    Lists,
    /// Holds where the mix is moved.
    Faders,
}

impl SharedKeys {
    /// All of them, in the order of the keymap.
    pub const ALL: [Self; 3] = [Self::Cursor, Self::Lists, Self::Faders];

    /// Its name in the keymap.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::Lists => "lists",
            Self::Faders => "faders",
        }
    }
}

/// What is declared of a screen.
struct Declaration {
    /// Its name in `state.json`.
    name: &'static str,
    /// What its tab says.
    title: &'static str,
    /// The table of the keymap that holds on this screen only.
    keys: &'static str,
    /// The shared tables of the keymap that hold there too.
    shared: &'static [SharedKeys],
    /// The action that opens it from the map.
    opened_by: Action,
    /// Whether a run that was left there is opened there the next time; not where a second run or an answer of the
    /// model is needed first.
    reopened: bool,
}

macro_rules! screens {
    ($($(#[$about:meta])* $screen:ident = $declaration:expr,)*) => {
        /// What fills the terminal between header and status line.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Screen { $($(#[$about])* $screen,)* }

        impl Screen {
            /// All screens, in the order of their tabs.
            pub const ALL: &'static [Self] = &[$(Self::$screen,)*];

            const fn declaration(self) -> &'static Declaration {
                match self { $(Self::$screen => &$declaration,)* }
            }
        }
    };
}

screens! {
    /// The components of one run.
    #[default]
    Map = Declaration {
        name: "map",
        title: "map",
        keys: "explore",
        shared: &[SharedKeys::Cursor, SharedKeys::Lists, SharedKeys::Faders],
        opened_by: Action::Close,
        reopened: true,
    },
    /// The mixer.
    Mixer = Declaration {
        name: "desk",
        title: "mixer",
        keys: "mix",
        shared: &[SharedKeys::Faders],
        opened_by: Action::Mixer,
        reopened: true,
    },
    /// The demonstrations.
    Prompt = Declaration {
        name: "prompt",
        title: "prompt",
        keys: "prompt",
        shared: &[],
        opened_by: Action::Prompt,
        reopened: true,
    },
    /// The examples, one of them opened.
    Examples = Declaration {
        name: "examples",
        title: "examples",
        keys: "examples",
        shared: &[SharedKeys::Lists],
        opened_by: Action::Examples,
        reopened: true,
    },
    /// Effects of the mix, attention, written words.
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
    /// All open runs against each other.
    Matrix = Declaration {
        name: "matrix",
        title: "matrix",
        keys: "matrix",
        shared: &[],
        opened_by: Action::Matrix,
        reopened: false,
    },
    /// All runs there are.
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
    /// Its name in `state.json`.
    pub const fn name(self) -> &'static str {
        self.declaration().name
    }

    /// What its tab says.
    pub const fn title(self) -> &'static str {
        self.declaration().title
    }

    /// The name of the keymap's table that holds on this screen only.
    pub const fn keys(self) -> &'static str {
        self.declaration().keys
    }

    /// The shared tables of the keymap that hold there too.
    pub const fn shared_keys(self) -> &'static [SharedKeys] {
        self.declaration().shared
    }

    /// The action that opens it from the map.
    pub const fn opened_by(self) -> Action {
        self.declaration().opened_by
    }

    /// The screen on which a run is opened that was left on the screen of this name; the map where the screen cannot be
    /// opened at once or is unknown.
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
    fn a_run_is_reopened_where_nothing_else_is_needed() {
        assert_eq!(Screen::reopened("desk"), Screen::Mixer);
        for name in ["compare", "cause", "no such screen"] {
            assert_eq!(Screen::reopened(name), Screen::Map, "{name}");
        }
    }
}
