//! Tests path resolution on small crates with known dependencies.

use super::{
    graph::Graph,
    imports::{Sources, Tests, references},
};

fn graph(files: &[(&str, &str)]) -> Graph {
    let sources: Sources = files.iter().map(|(file, text)| (format!("src/{file}"), (*text).to_owned())).collect();
    Graph::new(&references(&sources, "package", Tests::LeftOut))
}

/// Returns the items that `file` uses, one line per file: `b.rs: B, f`.
fn uses(file: &str, files: &[(&str, &str)]) -> Vec<String> {
    let lines = graph(files).uses(&format!("src/{file}"), |_| true);
    lines.iter().map(|line| line.split(" -> src/").nth(1).unwrap().to_owned()).collect()
}

#[test]
fn imports_resolve_to_the_definition() {
    let user = "use crate::shop::{Bread, milk as drink};";
    let shop = ("shop/mod.rs", "mod bakery; mod dairy; pub use bakery::Bread; pub use self::dairy::*;");
    let (bakery, dairy) = (("shop/bakery.rs", "pub struct Bread;"), ("shop/dairy.rs", "pub fn milk() {}"));
    let files = [("lib.rs", "mod shop; mod user;"), ("user.rs", user), shop, bakery, dairy];
    assert_eq!(uses("user.rs", &files), ["shop/bakery.rs: Bread", "shop/dairy.rs: milk"]);
    assert!(uses("shop/mod.rs", &files).is_empty(), "a re-export is not a use");
}

#[test]
fn chains_and_renames_are_followed() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod user; pub use a::Second as Third;"),
        ("a.rs", "pub use crate::b::First as Second;"),
        ("b.rs", "pub use crate::c::*;"),
        ("c.rs", "pub enum First { One } pub use crate::b::*;"),
        ("user.rs", "fn f() -> crate::Third { use crate::Third as Own; Own::One }"),
    ];
    assert_eq!(uses("user.rs", &files), ["c.rs: Own, Third"]);
    assert_eq!(uses("a.rs", &files), ["c.rs: First"], "a re-export from outside the module's children is a use");
}

#[test]
fn paths_in_code_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod user;"),
        ("a.rs", "pub struct A; pub const TEN: usize = 10; pub fn f() {} pub trait T {} pub enum E { V }"),
        ("b.rs", "pub fn one() {} pub fn two() {} pub fn three() {} macro_rules! make { () => {} }"),
        (
            "user.rs",
            r#"
            use crate::{a, b};
            #[arg(parser = b::one)]
            struct S { field: [crate::a::A; a::TEN] }
            impl a::T for S {}
            fn f(s: &S) {
                if let super::a::E::V = e { a::f() }
                println!("{}", vec![b::two(), ..b::three()]);
                s.b::<a>();
                println!("{}", s.two);
            }
            "#,
        ),
    ];
    assert_eq!(uses("user.rs", &files), ["a.rs: A, E, T, TEN, f", "b.rs: one, three, two"]);
}

#[test]
fn modules_themselves_are_not_used() {
    let files = [
        ("lib.rs", "mod a; mod user;"),
        ("a.rs", "pub mod deep;"),
        ("a/deep.rs", "pub fn f() {}"),
        ("user.rs", "use super::a::{self, deep::{self as down}}; use crate::a as b; fn g() { down::f(); b::made() }"),
    ];
    assert_eq!(
        uses("user.rs", &files),
        ["a.rs: made", "a/deep.rs: f"],
        "an unknown name, perhaps from a macro, belongs to the module's file"
    );
}

#[test]
fn a_function_may_have_the_name_of_its_module() {
    let files = [
        ("lib.rs", "pub mod update; mod a; mod b; pub use update::update;"),
        ("update/mod.rs", "mod deep; pub use deep::{update, settle};"),
        ("update/deep.rs", "pub fn update() {} pub fn settle() {}"),
        ("a.rs", "use super::update; fn f() { update::other() }"),
        ("b.rs", "use super::update; fn f() { update(); update::settle() }"),
    ];
    assert_eq!(uses("a.rs", &files), ["update/mod.rs: other"]);
    assert_eq!(uses("b.rs", &files), ["update/deep.rs: settle, update"]);
}

#[test]
fn super_works_in_inline_modules() {
    let files = [
        ("lib.rs", "mod a; mod b; use b::B;"),
        ("a/mod.rs", "mod deep;"),
        ("a/deep.rs", "mod inner { use super::super::super::B; mod far; } use self::inner::far::F;"),
        ("a/deep/inner/far.rs", "pub struct F;"),
        ("b.rs", "pub struct B;"),
    ];
    assert_eq!(uses("a/deep.rs", &files), ["a/deep/inner/far.rs: F", "b.rs: B"]);
}

#[test]
fn tests_are_left_out() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "#[cfg(test)] mod tests; #[cfg(all(test, unix))] use crate::b::B; #[cfg(test)] fn f() -> crate::b::B {}
            struct A; impl A { #[cfg(test)] fn f() -> crate::b::B {} } #[test] fn g() { crate::b::B }",
        ),
        ("a/tests.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B; #[cfg(not(test))] fn f() -> super::a::A {}"),
    ];
    assert!(uses("a.rs", &files).is_empty());
    assert_eq!(uses("b.rs", &files), ["a.rs: A"]);
    assert!(!graph(&files).0.contains_key("src/a/tests.rs"));
}

#[test]
fn other_crates_do_not_count() {
    let files = [
        ("lib.rs", "pub mod serde; mod user;"),
        ("main.rs", "fn main() { package::serde::f(); serde::f() }"),
        ("serde.rs", "pub fn f() {} pub use std::fmt;"),
        ("user.rs", "use ::serde::f; use serde::f as g; use crate::serde::fmt::Display; fn f() { Vec::new() }"),
    ];
    assert!(uses("user.rs", &files).is_empty());
    assert_eq!(uses("main.rs", &files), ["serde.rs: f"]);
}

#[test]
fn an_item_reexported_and_used_is_used() {
    let files = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod b; pub use b::B; struct A { b: B } "),
        ("a/b.rs", "pub struct B(super::A);"),
    ];
    let circles = graph(&files).circles();
    assert_eq!(circles.len(), 1);
    assert_eq!(circles[0].files, ["src/a/b.rs", "src/a/mod.rs"]);
}

#[test]
fn disjoint_circles_are_reported_separately() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; pub struct B;"),
        ("c.rs", "use crate::a::A; pub struct C;"),
        ("d.rs", "use crate::{a::A, e::E as F}; pub struct D;"),
        ("e.rs", "use crate::d::D; pub struct E;"),
    ];
    let circles = graph(&files).circles();
    let files: Vec<_> = circles.iter().map(|circle| circle.files.join(" ")).collect();
    assert_eq!(files, ["src/a.rs src/b.rs src/c.rs", "src/d.rs src/e.rs"]);
    assert!(circles[1].to_string().ends_with("src/d.rs -> src/e.rs: E\n    src/e.rs -> src/d.rs: D\n"));
}
