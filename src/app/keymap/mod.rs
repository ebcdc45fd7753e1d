//! The keymap: which action a key has in which context.

mod key;
pub mod page;

use std::collections::BTreeMap;

use crate::text::line_at;

pub use key::{Code, Key, ParseKeyError};

use super::{
    action::Action,
    screen::{Screen, SharedKeys},
};

/// The built-in keymap.
pub const DEFAULT: &str = include_str!("../../../assets/keymap.toml");

/// A table of the keymap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyLayer {
    /// Applies everywhere.
    Global,
    /// Applies on every screen.
    Screens,
    /// Applies on the screens that declare it.
    Shared(SharedKeys),
    /// Applies on one screen.
    Screen(Screen),
    /// Applies in the help.
    Help,
    /// Applies in an input line.
    Line,
}

impl KeyLayer {
    /// All tables, in the order of the keymap.
    pub fn all() -> impl Iterator<Item = Self> {
        let shared = SharedKeys::ALL.into_iter().map(Self::Shared);
        let screens = Screen::ALL.iter().copied().map(Self::Screen);
        [Self::Global, Self::Screens].into_iter().chain(shared).chain(screens).chain([Self::Help, Self::Line])
    }

    /// Name of the table in the keymap.
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

/// Context in which a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyContext {
    /// A screen.
    Screen(Screen),
    /// The help.
    Help,
    /// An input line.
    Line,
}

impl KeyContext {
    /// All contexts.
    pub fn all() -> impl Iterator<Item = Self> {
        Screen::ALL.iter().copied().map(Self::Screen).chain([Self::Help, Self::Line])
    }

    /// Whether the keys of `table` apply in this context.
    pub fn includes(self, table: KeyLayer) -> bool {
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

/// A key bound to an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Table of the binding.
    pub table: KeyLayer,
    /// The key.
    pub key: Key,
    /// The action.
    pub action: Action,
}

/// An error in a keymap.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// Not a table of tables, or a key twice in one table.
    #[error("the keymap is not valid: {0}")]
    Syntax(String),
    /// Unknown table.
    #[error("the keymap has an unknown table `{0}`; the tables are: {known}", known = crate::text::list(KeyLayer::all().map(KeyLayer::name)))]
    UnknownTable(String),
    /// Not a key.
    #[error(transparent)]
    Key(#[from] ParseKeyError),
    /// Unknown action.
    #[error("the keymap binds `{key}` to `{action}`, which is not an action; remove it, and `:` lists them")]
    Action {
        /// The key as written.
        key: String,
        /// The name as written.
        action: String,
    },
    /// A key with two actions in one context.
    #[error("the keymap binds `{0}` twice in the same context")]
    Duplicate(String),
}

/// All bindings, in written order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// Reads a whole keymap.
    ///
    /// # Errors
    /// If the text is not valid TOML, names an unknown table, key or action, or binds a key twice in one context.
    pub fn parse(text: &str) -> Result<Self, KeymapError> {
        let mut keymap = Self::default();
        keymap.read(text)?;
        Ok(keymap)
    }

    /// Changes single keys: a row replaces the bindings of its key, and `"none"` only removes them.
    ///
    /// # Errors
    /// Same as [`parse`](Self::parse).
    pub fn change(&mut self, text: &str) -> Result<(), KeymapError> {
        let mut changes = Self::default();
        changes.read(text)?;
        let replaces = |new: &Binding, old: &Binding| new.key == old.key && overlap(new.table, old.table);
        self.bindings.retain(|old| !changes.bindings.iter().any(|new| replaces(new, old)));
        self.bindings.extend(changes.bindings.into_iter().filter(|row| row.action != Action::Nothing));
        Ok(())
    }

    fn read(&mut self, text: &str) -> Result<(), KeymapError> {
        let tables: BTreeMap<String, toml::Table> = toml::from_str(text).map_err(|error| {
            let line = line_at(text, error.span().map_or(0, |span| span.start));
            KeymapError::Syntax(format!("line {line}: {}", error.message()))
        })?;
        for (name, rows) in &tables {
            let table = KeyLayer::all().find(|table| table.name() == name);
            let table = table.ok_or_else(|| KeymapError::UnknownTable(name.clone()))?;
            for (key, action) in rows {
                self.bind(table, key, action.as_str().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    fn bind(&mut self, table: KeyLayer, key: &str, action: &str) -> Result<(), KeymapError> {
        let unknown = || KeymapError::Action { key: key.to_owned(), action: action.to_owned() };
        let (parsed, action) = (key.parse()?, Action::named(action).ok_or_else(unknown)?);
        if self.bindings.iter().any(|other| other.key == parsed && overlap(other.table, table)) {
            return Err(KeymapError::Duplicate(key.to_owned()));
        }
        self.bindings.push(Binding { table, key: parsed, action });
        Ok(())
    }

    /// Returns the bindings that apply in `context`.
    fn bindings_in(&self, context: KeyContext) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| context.includes(binding.table))
    }

    /// Returns the action of `key` in `context`.
    pub fn lookup(&self, context: KeyContext, key: Key) -> Option<Action> {
        self.bindings_in(context).find(|binding| binding.key == key).map(|binding| binding.action)
    }

    /// Returns the keys of `action` in `context`, shortest first, ASCII before other characters.
    pub fn keys(&self, context: KeyContext, action: Action) -> Vec<String> {
        let here = self.bindings_in(context).filter(|binding| binding.action == action);
        let mut keys: Vec<String> = here.map(|binding| binding.key.to_string()).collect();
        keys.sort_by_key(|key| (key.chars().count(), !key.is_ascii()));
        keys
    }

    /// Returns the keys of `action` in all contexts, shortest first, ASCII before other characters.
    pub fn all_keys(&self, action: Action) -> Vec<String> {
        let mut keys: Vec<String> =
            self.bindings.iter().filter(|row| row.action == action).map(|row| row.key.to_string()).collect();
        keys.sort_by_key(|key| (key.chars().count(), !key.is_ascii(), key.clone()));
        keys.dedup();
        keys
    }

    /// Returns the tables in which an action has a key, in keymap order.
    pub fn tables(&self, action: Action) -> Vec<KeyLayer> {
        let bound = |table: &KeyLayer| self.bindings.iter().any(|row| row.table == *table && row.action == action);
        KeyLayer::all().filter(bound).collect()
    }

    /// Returns the keys of `action` in the first context where it has one.
    pub fn any_keys(&self, action: Action) -> Vec<String> {
        let mut all = KeyContext::all().map(|context| self.keys(context, action));
        all.find(|keys| !keys.is_empty()).unwrap_or_default()
    }
}

/// Whether both tables apply in some context.
fn overlap(a: KeyLayer, b: KeyLayer) -> bool {
    KeyContext::all().any(|context| context.includes(a) && context.includes(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap() -> Keymap {
        Keymap::parse(DEFAULT).unwrap()
    }

    #[test]
    fn the_built_in_keymap_covers_all_actions() {
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
    fn users_change_single_keys() {
        let mut keymap = keymap();
        keymap.change("[explore]\n\"w\" = \"mute\"\n\"m\" = \"none\"").unwrap();
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('w')), Some(Action::Mute));
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('m')), None);
        assert_eq!(keymap.lookup(KeyContext::Screen(Screen::Map), Key::char('q')), Some(Action::Quit));
        assert!(keymap.change("[cursor]\n\"y\" = \"left\"\n[screens]\n\"y\" = \"fit\"").is_err());
    }

    #[test]
    fn old_action_names_still_work() {
        let screen = KeyContext::Screen(Screen::Map);
        let mut keymap = keymap();
        keymap.change("[screens]\n\"O\" = \"writes\"").unwrap();
        assert_eq!(keymap.lookup(screen, Key::char('O')), Some(Action::LogitLens));
        assert_eq!(keymap.lookup(screen, Key::char('O')).map(Action::name), Some("logit-lens"));
    }

    #[test]
    fn errors_name_the_faulty_entry() {
        for (text, error) in [
            (
                "[explore]\n\"q\" = \"fit\"\n[global]\n\"q\" = \"quit\"",
                "the keymap binds `q` twice in the same context",
            ),
            (
                "[cursor]\n\"q\" = \"left\"\n[compare]\n\"q\" = \"fit\"",
                "the keymap binds `q` twice in the same context",
            ),
            ("[nowhere]\n\"q\" = \"quit\"", "the tables are: global, screens"),
            ("[global]\n\"qq\" = \"quit\"", "`qq` is not a key"),
            ("[global]\n\"q\" = \"leave\"", "`leave`, which is not an action"),
            ("[global]\n\"q\" = \"quit\"\n\"q\" = \"help\"", "line 3: duplicate key"),
        ] {
            let message = Keymap::parse(text).unwrap_err().to_string();
            assert!(message.contains(error), "{message}");
        }
    }
}
