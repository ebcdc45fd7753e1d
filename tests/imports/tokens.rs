//! Finds paths in unparsed tokens: the arguments of macros and attributes.

use syn::buffer::Cursor;

/// Returns everything that looks like a path, including single names, from `at` to the end and in all brackets; skips
/// fields, methods and macro variables.
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

/// Returns the longest path at a cursor, and the cursor after it.
fn path(at: Cursor) -> Option<(Vec<String>, Cursor)> {
    let (first, mut at) = at.ident()?;
    let mut names = vec![first.to_string()];
    while let Some((name, rest)) = colons(at).and_then(Cursor::ident) {
        names.push(name.to_string());
        at = rest;
    }
    Some((names, at))
}

/// Returns the cursor after a `::`.
fn colons(at: Cursor) -> Option<Cursor> {
    let (first, rest) = at.punct()?;
    let (second, rest) = rest.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(rest)
}

/// Whether a path can begin after `signs`: yes in `..name`, no in `a.name` and `<T>::name`.
fn may_begin(signs: &str, name: &str) -> bool {
    let field = signs.ends_with('.') && !signs.ends_with("..");
    let rest_of_a_path = signs.ends_with(">::");
    let variable = signs.ends_with('$') && name != "crate";
    !(field || rest_of_a_path || variable)
}

/// Prepends an empty segment if the path begins with `::`.
fn rooted(mut names: Vec<String>, signs: &str) -> Vec<String> {
    if signs.ends_with("::") {
        names.insert(0, String::new());
    }
    names
}
