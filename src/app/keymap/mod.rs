//! Which key means what, where.

mod key;
pub mod page;

use std::collections::BTreeMap;

use crate::text::line_at;

pub use key::{Code, Key, ParseKeyError};

use super::{
    action::Action,
    screen::{Screen, SharedKeys},
};

/// The keys the explorer is built with.
pub const DEFAULT: &str = include_str!("../../../assets/keymap.toml");

/// A table of the keymap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyLayer {
    /// Holds everywhere.
    Global,
    /// Holds on every screen.
    Screens,
    /// Holds on the screens that declare it.
    Shared(SharedKeys),
    /// Holds on one screen.
    Screen(Screen),
    /// Holds in the list of keys.
    Help,
    /// Holds in a line that is typed.
    Line,
}

impl KeyLayer {
    /// All tables, in the order of the keymap.
    pub fn all() -> impl Iterator<Item = Self> {
        let shared = SharedKeys::ALL.into_iter().map(Self::Shared);
        let screens = Screen::ALL.iter().copied().map(Self::Screen);
        [Self::Global, Self::Screens].into_iter().chain(shared).chain(screens).chain([Self::Help, Self::Line])
    }

    /// Its name in the keymap.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Screens => "screens",
            Self::Shared(shared) => shared.name(),
            Self::Screen(screen) => screen.keys(),
            Self::Help => "help",
            Self::Line => "line",
        }
    }
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyContext {
    /// On a screen.
    Screen(Screen),
    /// In the list of keys.
    Help,
    /// In a line that is typed.
    Line,
}

impl KeyContext {
    /// All places.
    pub fn all() -> impl Iterator<Item = Self> {
        Screen::ALL.iter().copied().map(Self::Screen).chain([Self::Help, Self::Line])
    }

    /// Whether the keys of `table` hold there.
    pub fn has(self, table: KeyLayer) -> bool {
        match (self, table) {
            (_, KeyLayer::Global)
            | (Self::Screen(_), KeyLayer::Screens)
            | (Self::Help, KeyLayer::Help)
            | (Self::Line, KeyLayer::Line) => true,
            (Self::Screen(screen), KeyLayer::Shared(shared)) => screen.shared_keys().contains(&shared),
            (Self::Screen(screen), KeyLayer::Screen(own)) => screen == own,
            _ => false,
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub table: KeyLayer,
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
    /// A table that does not exist.
    #[error("the keymap has a table `{0}`; there are: {known}", known = crate::text::list(KeyLayer::all().map(KeyLayer::name)))]
    KeyLayer(String),
    /// A text that names no key.
    #[error(transparent)]
    Key(#[from] ParseKeyError),
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
    /// Reads a whole keymap.
    ///
    /// # Errors
    /// If it is not valid TOML, names an unknown place, key or action, or gives one key two meanings in one place.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let mut keymap = Self::default();
        keymap.read(text)?;
        Ok(keymap)
    }

    /// Changes single keys: a row takes its key from whatever had it, and `"none"` leaves it without a meaning.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn change(&mut self, text: &str) -> Result<(), KeymapError> {
        let mut own = Self::default();
        own.read(text)?;
        let free = |row: &Binding| !own.bindings.iter().any(|mine| mine.key == row.key && meet(mine.table, row.table));
        self.bindings.retain(free);
        self.bindings.extend(own.bindings.into_iter().filter(|row| row.action != Action::Nothing));
        Ok(())
    }

    fn read(&mut self, text: &str) -> Result<(), KeymapError> {
        let tables: BTreeMap<String, toml::Table> = toml::from_str(text).map_err(|error| {
            let line = line_at(text, error.span().map_or(0, |span| span.start));
            KeymapError::Syntax(format!("line {line}: {}", error.message()))
        })?;
        for (name, rows) in &tables {
            let table = KeyLayer::all().find(|table| table.name() == name);
            let table = table.ok_or_else(|| KeymapError::KeyLayer(name.clone()))?;
            for (key, action) in rows {
                self.bind(table, key, action.as_str().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn bind(&mut self, table: KeyLayer, key: &str, action: &str) -> Result<(), KeymapError> {
        let unknown = || KeymapError::Action { key: key.to_owned(), action: action.to_owned() };
        let (parsed, action) = (key.parse()?, Action::named(action).ok_or_else(unknown)?);
        if self.bindings.iter().any(|other| other.key == parsed && meet(other.table, table)) {
            return Err(KeymapError::Twice(key.to_owned()));
        }
        self.bindings.push(Binding { table, key: parsed, action });
        Ok(())
    }

    /// The bindings that hold at `place`.
    fn at(&self, place: KeyContext) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| place.has(binding.table))
    }

    /// What `key` means at `place`.
    pub fn lookup(&self, place: KeyContext, key: Key) -> Option<Action> {
        self.at(place).find(|binding| binding.key == key).map(|binding| binding.action)
    }

    /// The keys of `action` at `place`, as help shows them: letters first, then by length.
    pub fn keys(&self, place: KeyContext, action: Action) -> Vec<String> {
        let here = self.at(place).filter(|binding| binding.action == action);
        let mut keys: Vec<String> = here.map(|binding| binding.key.to_string()).collect();
        keys.sort_by_key(|key| (key.chars().count(), !key.is_ascii()));
        keys
    }

    /// All keys of an action, wherever they hold, letters first.
    pub fn all_keys(&self, action: Action) -> Vec<String> {
        let mut keys: Vec<String> =
            self.bindings.iter().filter(|row| row.action == action).map(|row| row.key.to_string()).collect();
        keys.sort_by_key(|key| (key.chars().count(), !key.is_ascii(), key.clone()));
        keys.dedup();
        keys
    }

    /// The tables in which an action has a key, in their order.
    pub fn tables(&self, action: Action) -> Vec<KeyLayer> {
        let bound = |table: &KeyLayer| self.bindings.iter().any(|row| row.table == *table && row.action == action);
        KeyLayer::all().filter(bound).collect()
    }

    /// The keys of `action` at the first place where it has some.
    pub fn any_keys(&self, action: Action) -> Vec<String> {
        let mut all = KeyContext::all().map(|place| self.keys(place, action));
        all.find(|keys| !keys.is_empty()).unwrap_or_default()
    }
}

/// Whether there is a place where both tables hold.
fn meet(a: KeyLayer, b: KeyLayer) -> bool {
    KeyContext::all().any(|place| place.has(a) && place.has(b))
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
        for &action in Action::ALL.iter().filter(|&&action| action != Action::Nothing) {
            assert!(!keymap.any_keys(action).is_empty(), "{} has no key", action.name());
        }
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('w')), Some(Action::Fit));
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('q')), Some(Action::Quit));
        assert_eq!(keymap.lookup(KeyContext::Help, Key::char('w')), None);
        assert_eq!(keymap.keys(KeyContext::Screen(Screen::Map), Action::Left), ["h", "←"]);
    }

    #[test]
    fn the_user_changes_single_keys() {
        let mut keymap = keymap();
        keymap.change("[explore]\n\"w\" = \"mute\"\n\"m\" = \"none\"").unwrap();
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('w')), Some(Action::Mute));
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('m')), None);
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('q')), Some(Action::Quit));
        assert!(keymap.change("[cursor]\n\"y\" = \"left\"\n[screens]\n\"y\" = \"fit\"").is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, error) in [
            ("[explore]\n\"q\" = \"fit\"\n[global]\n\"q\" = \"quit\"", "the keymap has `q` twice for the same place"),
            ("[cursor]\n\"q\" = \"left\"\n[compare]\n\"q\" = \"fit\"", "the keymap has `q` twice for the same place"),
            ("[nowhere]\n\"q\" = \"quit\"", "there are: global, screens"),
            ("[global]\n\"qq\" = \"quit\"", "`qq` is not a key"),
            ("[global]\n\"q\" = \"leave\"", "`leave`, which is not an action"),
            ("[global]\n\"q\" = \"quit\"\n\"q\" = \"help\"", "line 3: duplicate key"),
        ] {
            let message = Keymap::parse(text).unwrap_err().to_string();
            assert!(message.contains(error), "{message}");
        }
    }
}
