//! Paths among tokens that have no syntax yet: those given to macros and attributes.

use syn::buffer::Cursor;

/// Everything that looks like a path, however short, from `at` to the end and in all brackets. Fields, methods and
/// the variables of macros do not.
pub fn paths(mut at: Cursor) -> Vec<Vec<String>> {
    let (mut found, mut signs) = (Vec::new(), String::new());
    while !at.eof() {
        if let Some((sign, rest)) = at.punct() {
            signs.push(sign.as_char());
            at = rest;
            continue;
        }
        if let Some((inside, _, _, rest)) = at.any_group() {
            found.extend(paths(inside));
            at = rest;
        } else if let Some((names, rest)) = path(at) {
            if may_begin(&signs, &names[0]) {
                found.push(rooted(names, &signs));
            }
            at = rest;
        } else if let Some((_, rest)) = at.lifetime() {
            at = rest;
        } else {
            at = at.token_tree().map_or(Cursor::empty(), |(_, rest)| rest);
        }
        signs.clear();
    }
    found
}

/// The longest path at a cursor, and what comes after it.
fn path(at: Cursor) -> Option<(Vec<String>, Cursor)> {
    let (first, mut at) = at.ident()?;
    let mut names = vec![first.to_string()];
    while let Some((name, rest)) = colons(at).and_then(Cursor::ident) {
        names.push(name.to_string());
        at = rest;
    }
    Some((names, at))
}

/// What comes after a `::`.
fn colons(at: Cursor) -> Option<Cursor> {
    let (first, rest) = at.punct()?;
    let (second, rest) = rest.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(rest)
}

/// Whether a path begins after these signs: `a.name` and `<T>::name` do not, `..name` does.
fn may_begin(signs: &str, name: &str) -> bool {
    let field = signs.ends_with('.') && !signs.ends_with("..");
    let rest_of_a_path = signs.ends_with(">::");
    let variable = signs.ends_with('$') && name != "crate";
    !(field || rest_of_a_path || variable)
}

/// Names with an empty one before them if the path begins with `::`.
fn rooted(mut names: Vec<String>, signs: &str) -> Vec<String> {
    if signs.ends_with("::") {
        names.insert(0, String::new());
    }
    names
}
