//! Which key means what, where.

use std::collections::BTreeMap;

use super::{action::Action, key::Key};

/// The keys the explorer is built with.
pub const DEFAULT: &str = include_str!("../../assets/keymap.toml");

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Everywhere.
    Global,
    /// On the map.
    Explore,
    /// In the list of keys.
    Help,
}

impl Place {
    /// All places, in the order of the keymap.
    pub const ALL: [Self; 3] = [Self::Global, Self::Explore, Self::Help];

    /// The name of its table in the keymap.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Explore => "explore",
            Self::Help => "help",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub place: Place,
    /// The key.
    pub key: Key,
    /// What it does.
    pub action: Action,
}

/// A keymap that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// Not a table of tables; the same key twice in one table counts too.
    #[error("the keymap is not valid: {0}")]
    Syntax(String),
    /// A table for a place that does not exist.
    #[error("the keymap has a table `{0}`; there are: {known}", known = crate::text::list(Place::ALL.map(Place::name)))]
    Place(String),
    /// A text that names no key.
    #[error(transparent)]
    Key(#[from] super::key::ParseKeyError),
    /// A name that no action has.
    #[error("the keymap gives `{key}` to `{action}`, which is not an action; `?` in the explorer lists them")]
    Action {
        /// The key as written.
        key: String,
        /// The name as written.
        action: String,
    },
    /// A key that would mean two things.
    #[error("the keymap has `{0}` twice for the same place")]
    Twice(String),
}

/// All bindings, in the order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// Reads a keymap.
    ///
    /// # Errors
    /// If it is not valid TOML, names an unknown place, key or action, or gives one key two meanings in one place.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let tables: BTreeMap<String, toml::Table> =
            toml::from_str(text).map_err(|error| KeymapError::Syntax(error.message().to_owned()))?;
        let mut keymap = Self::default();
        for (name, table) in &tables {
            let place = Place::ALL.into_iter().find(|place| place.name() == name);
            let place = place.ok_or_else(|| KeymapError::Place(name.clone()))?;
            for (key, action) in table {
                keymap.bind(place, key, action.as_str().unwrap_or_default())?;
            }
        }
        Ok(keymap)
    }

    fn bind(&mut self, place: Place, key: &str, action: &str) -> Result<(), KeymapError> {
        let unknown = || KeymapError::Action { key: key.to_owned(), action: action.to_owned() };
        let (parsed, action) = (key.parse()?, Action::named(action).ok_or_else(unknown)?);
        let clash = |other: &Binding| {
            other.key == parsed && (other.place == place || [other.place, place].contains(&Place::Global))
        };
        if self.bindings.iter().any(clash) {
            return Err(KeymapError::Twice(key.to_owned()));
        }
        self.bindings.push(Binding { place, key: parsed, action });
        Ok(())
    }

    /// What `key` means at `place`.
    pub fn lookup(&self, place: Place, key: Key) -> Option<Action> {
        let here = |binding: &&Binding| binding.key == key && [place, Place::Global].contains(&binding.place);
        self.bindings.iter().find(here).map(|binding| binding.action)
    }

    /// The keys of `action` at `place`, as help shows them, shortest first.
    pub fn keys(&self, place: Place, action: Action) -> Vec<String> {
        let here = |binding: &&Binding| binding.action == action && [place, Place::Global].contains(&binding.place);
        let mut keys: Vec<String> = self.bindings.iter().filter(here).map(|binding| binding.key.to_string()).collect();
        keys.sort_by_key(|key| key.chars().count());
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap() -> Keymap {
        Keymap::parse(DEFAULT).unwrap()
    }

    #[test]
    fn the_built_in_keymap_is_whole() {
        let keymap = keymap();
        for &action in Action::ALL {
            let bound = Place::ALL.iter().any(|&place| !keymap.keys(place, action).is_empty());
            assert!(bound, "{} has no key", action.name());
        }
        assert_eq!(keymap.lookup(Place::Explore, Key::char('w')), Some(Action::Fit));
        assert_eq!(keymap.lookup(Place::Explore, Key::char('q')), Some(Action::Quit));
        assert_eq!(keymap.lookup(Place::Help, Key::char('w')), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, error) in [
            ("[explore]\n\"q\" = \"fit\"\n[global]\n\"q\" = \"quit\"", "the keymap has `q` twice for the same place"),
            ("[nowhere]\n\"q\" = \"quit\"", "there are: global"),
            ("[global]\n\"qq\" = \"quit\"", "`qq` is not a key"),
            ("[global]\n\"q\" = \"leave\"", "`leave`, which is not an action"),
            ("[global]\n\"q\" = \"quit\"\n\"q\" = \"help\"", "duplicate key"),
        ] {
            let message = Keymap::parse(text).unwrap_err().to_string();
            assert!(message.contains(error), "{message}");
        }
    }
}
