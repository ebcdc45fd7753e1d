//! Collects the paths in a module.

use syn::{
    Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Meta, Path, Token, TraitItem, UseTree, Visibility,
    buffer::TokenBuffer,
    punctuated::Punctuated,
    visit::{self, Visit},
};

use super::{Tests, tokens, tree::attributes};

/// Kind of place where a path occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// In a type, an expression, a pattern, a macro.
    Inline,
    /// In a private `use`.
    Imported,
    /// In a `use` with a visibility.
    ReExported,
}

/// A path in source code.
#[derive(Clone, Debug)]
pub struct WrittenPath {
    /// Segments; the first one is empty if the path begins with `::`.
    pub names: Vec<String>,
    /// Where the path occurs.
    pub kind: PathKind,
}

/// Visitor that collects the paths of items, without entering modules.
pub struct Reader {
    /// All paths.
    pub paths: Vec<WrittenPath>,
    /// Imported names with their paths.
    pub imports: Vec<(String, Vec<String>)>,
    /// Paths of glob imports.
    pub globs: Vec<Vec<String>>,
    tests: Tests,
}

impl Reader {
    /// Creates an empty reader.
    pub fn new(tests: Tests) -> Self {
        Self { paths: Vec::new(), imports: Vec::new(), globs: Vec::new(), tests }
    }

    fn skips(&self, attributes: &[Attribute]) -> bool {
        self.tests == Tests::LeftOut && is_for_tests(attributes)
    }

    fn read(&mut self, tokens: &TokenBuffer) {
        let found = tokens::paths(tokens.begin());
        self.paths.extend(found.into_iter().map(|names| WrittenPath { names, kind: PathKind::Inline }));
    }

    /// Collects the imports of a `use`; `before` are the segments in front of `tree`.
    fn import(&mut self, tree: &UseTree, mut before: Vec<String>, kind: PathKind) {
        let name = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                return self.import(&path.tree, before, kind);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before.clone(), kind));
            }
            UseTree::Glob(_) => {
                self.globs.push(before.clone());
                return self.paths.push(WrittenPath { names: before, kind });
            }
            UseTree::Name(name) => {
                if name.ident != "self" {
                    before.push(name.ident.to_string());
                }
                before.last().cloned()
            }
            UseTree::Rename(renamed) => {
                if renamed.ident != "self" {
                    before.push(renamed.ident.to_string());
                }
                Some(renamed.rename.to_string()).filter(|name| name != "_")
            }
        };
        self.imports.extend(name.map(|name| (name, before.clone())));
        self.paths.push(WrittenPath { names: before, kind });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !self.skips(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !self.skips(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = match item {
            TraitItem::Const(item) => &item.attrs,
            TraitItem::Fn(item) => &item.attrs,
            TraitItem::Type(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !self.skips(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let kind = if matches!(item.vis, Visibility::Inherited) { PathKind::Imported } else { PathKind::ReExported };
        self.import(&item.tree, before(item.leading_colon.is_some()), kind);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let mut names = before(path.leading_colon.is_some());
        names.extend(path.segments.iter().map(|segment| segment.ident.to_string()));
        self.paths.push(WrittenPath { names, kind: PathKind::Inline });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.read(&TokenBuffer::new2(called.tokens.clone()));
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if ["cfg", "doc"].iter().any(|name| attribute.path().is_ident(name)) {
            return;
        }
        visit::visit_attribute(self, attribute);
        if let Meta::List(list) = &attribute.meta {
            self.read(&TokenBuffer::new2(list.tokens.clone()));
        }
    }
}

/// Returns the initial segments of a path: one empty segment after a leading `::`, else none.
fn before(colons: bool) -> Vec<String> {
    if colons { vec![String::new()] } else { Vec::new() }
}

/// Whether the attributes contain `#[test]` or a `#[cfg]` that is true in tests only.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let holds = |meta: Meta| holds_in_tests_only(&meta);
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(holds)
    })
}

/// Whether a condition is `test`, or `all(…)` with such a condition.
fn holds_in_tests_only(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|parts| parts.iter().any(holds_in_tests_only)),
        _ => false,
    }
}
