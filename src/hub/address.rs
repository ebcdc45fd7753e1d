//! Addresses of redirects.

/// Resolves the redirect `target` of the address `from` (RFC 3986, section 5.2); `None` if the result would not be
/// http or https, or would leave https for http.
pub(super) fn resolve(from: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    let (scheme, rest) = from.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let address = if let Some((other, rest)) = target.split_once(':').filter(|(other, _)| is_scheme(other)) {
        let (other, rest) = (other.to_ascii_lowercase(), rest.strip_prefix("//")?);
        if !matches!(other.as_str(), "http" | "https") || (scheme, other.as_str()) == ("https", "http") {
            return None;
        }
        format!("{other}://{rest}")
    } else if let Some(host) = target.strip_prefix("//") {
        format!("{scheme}://{host}")
    } else if target.starts_with('/') {
        format!("{scheme}://{authority}{}", without_dots(target))
    } else if target.starts_with('?') || target.is_empty() {
        format!("{scheme}://{authority}{path}{target}")
    } else {
        let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
        format!("{scheme}://{authority}{}", without_dots(&format!("{folder}{target}")))
    };
    let host = address.split_once("://")?.1;
    (!host.is_empty() && !host.starts_with(['/', '?'])).then_some(address)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Removes `.` and `..` from a path with an optional query.
fn without_dots(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = path.split('/').skip(1).peekable();
    while let Some(part) = rest.next() {
        let last = rest.peek().is_none();
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
        if last && matches!(part, "." | "..") {
            parts.push("");
        }
    }
    format!("/{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3986, section 5.4, for http.
    #[test]
    fn redirects_are_resolved_as_the_standard_says() {
        let from = "http://a/b/c/d;p?q";
        for (target, expected) in [
            ("http://g/h", "http://g/h"),
            ("HTTPS://g", "https://g"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("//g/h?y", "http://g/h?y"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s", "http://a/b/c/g"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g:1", "-"),
            ("file:///etc/passwd", "-"),
            ("data:,x", "-"),
            ("https:g", "-"),
            ("http://", "-"),
            ("///g", "-"),
        ] {
            assert_eq!(resolve(from, target).as_deref().unwrap_or("-"), expected, "{target}");
        }
        assert_eq!(resolve("https://a", "g").as_deref(), Some("https://a/g"));
        assert_eq!(resolve("https://a/b", "http://a/c"), None, "https is not left");
        assert_eq!(resolve("https://a/b", "//c").as_deref(), Some("https://c"));
    }
}
