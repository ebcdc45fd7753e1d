//! The key reference `docs/keys.md`, written by `cargo run --example keys`.

use std::fmt::Write;

use super::{KeyLayer, Keymap};
use crate::app::action::{Action, Section};

/// Returns the page in Markdown.
pub fn page(keymap: &Keymap) -> String {
    let mut page = "# Keys\n\nWritten by `cargo run --example keys` from `assets/keymap.toml`; do not edit it by hand.\n\
        `?` shows the same list in the explorer, `:` finds an action by its name, and `keymap.toml` in the configuration\n\
        folder changes single keys by these names.\n"
        .to_owned();
    for section in Section::ALL {
        let _ =
            write!(page, "\n## {}\n\n| keys | action | what it does | where |\n|---|---|---|---|\n", section.title());
        for &action in Action::ALL.iter().filter(|&&a| a.section() == section && a != Action::Nothing) {
            let keys: Vec<String> = keymap.all_keys(action).iter().map(|key| format!("`{key}`")).collect();
            let places: Vec<&str> = keymap.tables(action).into_iter().map(KeyLayer::name).collect();
            let (keys, name, what) = (keys.join(" ").replace('|', "\\|"), action.name(), action.description());
            let _ = writeln!(page, "| {keys} | {name} | {what} | {} |", places.join(", "));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keymap::DEFAULT;

    #[test]
    fn the_page_is_current() {
        let page = page(&Keymap::parse(DEFAULT).unwrap());
        assert!(
            include_str!("../../../docs/keys.md") == page,
            "run `cargo run --example keys` and commit docs/keys.md"
        );
        for &action in Action::ALL.iter().filter(|&&action| action != Action::Nothing) {
            assert!(page.contains(&format!("| {} | {} |", action.name(), action.description())));
        }
    }
}
