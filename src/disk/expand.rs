//! Paths from the environment and the command line.

use std::path::{Path, PathBuf};

/// Expands `~` at the beginning of `path` to the user's home folder, then `$NAME` and `${NAME}` to environment variables,
/// as Python's `os.path` and thus `huggingface_hub` do; unknown variables stay as they are.
pub(crate) fn expand(path: &Path) -> PathBuf {
    expand_with(path, &|name| std::env::var(name).ok())
}

/// As [`expand`], with the environment `variable`.
pub(crate) fn expand_with(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let Some(text) = path.to_str() else { return path.to_owned() };
    let user = || {
        let named = variable("HOME").or_else(|| variable("USERPROFILE")).filter(|home| !home.is_empty());
        named.or_else(|| Some(directories::UserDirs::new()?.home_dir().to_str()?.to_owned()))
    };
    let inside = text.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(std::path::is_separator));
    let text = match inside.and_then(|rest| Some(user()?.trim_end_matches('/').to_owned() + rest)) {
        Some(expanded) => expanded,
        None => text.to_owned(),
    };
    let mut expanded = String::new();
    let mut left = text.as_str();
    while let Some((before, after)) = left.split_once('$') {
        expanded.push_str(before);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, rest) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len())),
        };
        let known = variable(name).filter(|_| !name.is_empty());
        left = if known.is_some() { rest } else { after };
        expanded.push_str(known.as_deref().unwrap_or("$"));
    }
    PathBuf::from(expanded + left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are those of Python's `os.path.expandvars(os.path.expanduser(…))`.
    #[test]
    fn paths_are_expanded_as_in_python() {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/me".to_owned()),
            "DATA" => Some("/data".to_owned()),
            "ODD" => Some("~/$DATA".to_owned()),
            _ => None,
        };
        for (path, expected) in [
            ("~/hub", "/home/me/hub"),
            ("~", "/home/me"),
            ("$HOME/hub", "/home/me/hub"),
            ("${DATA}/x", "/data/x"),
            ("$DATA.bak/$DATA", "/data.bak//data"),
            ("$UNKNOWN/${ALSO}/$", "$UNKNOWN/${ALSO}/$"),
            ("a/~/b", "a/~/b"),
            ("~~", "~~"),
            ("$ODD", "~/$DATA"),
            ("${}x", "${}x"),
            ("", ""),
        ] {
            assert_eq!(expand_with(Path::new(path), &variable), Path::new(expected), "{path}");
        }
    }
}
