//! Rewrites a parsed template so that every operation pays for the values that it walks through.
//!
//! The engine's fuel pays for instructions and for the bytes and lists that they create, but not for lists that are built
//! lazily (`x + x`, `x * 9`, `x[:]`) nor for values that contain another value many times (`[x, x]`): thirty doublings
//! make a list that takes minutes and gigabytes to print, compare or copy, at almost no fuel. So every operand passes
//! through a filter that walks it and charges fuel for what it finds, and every result passes through one that copies
//! lazy lists.

use minijinja::machinery::ast::{
    AutoEscape, BinOp, BinOpKind, Break, Call, CallArg, CallBlock, CallType, Compare, CompareOp, Const, Continue, Do,
    EmitExpr, EmitRaw, Expr, Filter, FilterBlock, ForLoop, GetAttr, GetItem, IfCond, IfExpr, List, Macro, Map, Set,
    SetBlock, Slice, Spanned, Stmt, Template, Test, Tuple, UnaryOp, UnaryOpKind, Var, WithBlock,
};

/// Filter for operands that are walked to the end: charges for everything in them.
pub(super) const WALKED: &str = "#walked";
/// Filter for operands of which only the top level is used: charges for that.
pub(super) const USED: &str = "#used";
/// Filter for values that are stored in a list, map or namespace: as `WALKED`, and rejects what could form a circle.
pub(super) const STORED: &str = "#stored";
/// Filter for results: copies lazy lists.
pub(super) const SETTLED: &str = "#settled";

/// Filters and tests that look at the top level of a value only.
const SHALLOW: &[&str] = &[
    "length",
    "count",
    "default",
    "d",
    "first",
    "last",
    "defined",
    "undefined",
    "none",
    "string",
    "mapping",
    "sequence",
    "iterable",
    "number",
    "boolean",
    "integer",
    "float",
    "true",
    "false",
    "callable",
];

/// Rewrites a statement and all that is in it.
pub(super) fn statement<'a>(stmt: &Stmt<'a>) -> Stmt<'a> {
    match stmt {
        Stmt::Template(node) => Stmt::Template(like(node, Template { children: body(&node.children) })),
        Stmt::EmitExpr(node) => Stmt::EmitExpr(like(node, EmitExpr { expr: emitted(&node.expr) })),
        Stmt::EmitRaw(node) => Stmt::EmitRaw(like(node, EmitRaw { raw: node.raw })),
        Stmt::ForLoop(node) => Stmt::ForLoop(like(
            node,
            ForLoop {
                target: target(&node.target),
                iter: through(USED, &node.iter),
                filter_expr: node.filter_expr.as_ref().map(expression),
                recursive: node.recursive,
                body: body(&node.body),
                else_body: body(&node.else_body),
            },
        )),
        Stmt::IfCond(node) => Stmt::IfCond(like(
            node,
            IfCond {
                expr: expression(&node.expr),
                true_body: body(&node.true_body),
                false_body: body(&node.false_body),
            },
        )),
        Stmt::WithBlock(node) => {
            let assignments = node.assignments.iter().map(|(to, value)| (target(to), assigned(to, value))).collect();
            Stmt::WithBlock(like(node, WithBlock { assignments, body: body(&node.body) }))
        }
        Stmt::Set(node) => {
            let set = Set { target: target(&node.target), expr: assigned(&node.target, &node.expr) };
            Stmt::Set(like(node, set))
        }
        Stmt::SetBlock(node) => {
            let filter = node.filter.as_ref().map(expression);
            Stmt::SetBlock(like(node, SetBlock { target: target(&node.target), filter, body: body(&node.body) }))
        }
        Stmt::AutoEscape(node) => {
            Stmt::AutoEscape(like(node, AutoEscape { enabled: expression(&node.enabled), body: body(&node.body) }))
        }
        Stmt::FilterBlock(node) => {
            let filter = expression(&node.filter);
            Stmt::FilterBlock(like(node, FilterBlock { filter, filter_span: node.filter_span, body: body(&node.body) }))
        }
        Stmt::Macro(node) => Stmt::Macro(like(node, macro_of(node))),
        Stmt::CallBlock(node) => {
            let macro_decl = like(&node.macro_decl, macro_of(&node.macro_decl));
            let call = like(&node.call, call(&node.call));
            Stmt::CallBlock(like(node, CallBlock { call, call_expr_span: node.call_expr_span, macro_decl }))
        }
        Stmt::Continue(node) => Stmt::Continue(like(node, Continue)),
        Stmt::Break(node) => Stmt::Break(like(node, Break)),
        Stmt::Do(node) => Stmt::Do(like(node, Do { call: like(&node.call, call(&node.call)) })),
    }
}

/// Places `node` where `original` was.
fn like<T, U>(original: &Spanned<T>, node: U) -> Spanned<U> {
    Spanned::new(node, original.span())
}

fn body<'a>(statements: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    statements.iter().map(statement).collect()
}

fn macro_of<'a>(node: &Macro<'a>) -> Macro<'a> {
    Macro {
        name: node.name,
        args: node.args.iter().map(target).collect(),
        defaults: node.defaults.iter().map(expression).collect(),
        body: body(&node.body),
    }
}

/// Copies the target of an assignment.
fn target<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::List(node) => Expr::List(like(node, List { items: node.items.iter().map(target).collect() })),
        Expr::GetAttr(node) => Expr::GetAttr(like(node, GetAttr { expr: target(&node.expr), name: node.name })),
        Expr::Var(node) => Expr::Var(like(node, Var { id: node.id })),
        other => expression(other),
    }
}

/// Rewrites the value that is assigned to `to`: an attribute of a namespace stores it, a list of names unpacks it.
fn assigned<'a>(to: &Expr<'a>, value: &Expr<'a>) -> Expr<'a> {
    match to {
        Expr::GetAttr(_) => through(STORED, value),
        Expr::List(_) => through(USED, value),
        _ => expression(value),
    }
}

/// Rewrites an expression that is printed. A call of `loop` stays as it is, since the engine treats it specially.
fn emitted<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Call(node) if matches!(node.identify_call(), CallType::Function("loop")) => {
            Expr::Call(like(node, call(node)))
        }
        expr => through(WALKED, expr),
    }
}

/// Rewrites an operand and passes it through a filter.
fn through<'a>(filter: &'a str, expr: &Expr<'a>) -> Expr<'a> {
    if matches!(expr, Expr::Const(_)) { expression(expr) } else { filtered(filter, expression(expr)) }
}

fn filtered<'a>(name: &'a str, expr: Expr<'a>) -> Expr<'a> {
    let span = expr.span();
    Expr::Filter(Spanned::new(Filter { name, expr: Some(expr), args: Vec::new() }, span))
}

fn all<'a>(filter: &'a str, items: &[Expr<'a>]) -> Vec<Expr<'a>> {
    items.iter().map(|item| through(filter, item)).collect()
}

fn maybe<'a>(expr: Option<&Expr<'a>>) -> Option<Expr<'a>> {
    expr.map(expression)
}

fn expression<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Var(node) => Expr::Var(like(node, Var { id: node.id })),
        Expr::Const(node) => Expr::Const(like(node, Const { value: node.value.clone() })),
        Expr::Slice(node) => {
            let (start, stop, step) = (node.start.as_ref(), node.stop.as_ref(), node.step.as_ref());
            let expr = through(USED, &node.expr);
            let slice = Slice { expr, start: maybe(start), stop: maybe(stop), step: maybe(step) };
            filtered(SETTLED, Expr::Slice(like(node, slice)))
        }
        Expr::UnaryOp(node) => {
            #[expect(clippy::needless_match, reason = "the kind can be neither copied nor cloned")]
            let op = match node.op {
                UnaryOpKind::Not => UnaryOpKind::Not,
                UnaryOpKind::Neg => UnaryOpKind::Neg,
            };
            Expr::UnaryOp(like(node, UnaryOp { op, expr: expression(&node.expr) }))
        }
        Expr::BinOp(node) => binary(node),
        Expr::Compare(node) => {
            let compared = |op: &CompareOp<'a>| CompareOp { op: op.op, expr: through(WALKED, &op.expr) };
            let ops = node.ops.iter().map(compared).collect();
            Expr::Compare(like(node, Compare { expr: through(WALKED, &node.expr), ops }))
        }
        Expr::IfExpr(node) => Expr::IfExpr(like(
            node,
            IfExpr {
                test_expr: expression(&node.test_expr),
                true_expr: expression(&node.true_expr),
                false_expr: maybe(node.false_expr.as_ref()),
            },
        )),
        Expr::Filter(node) => {
            let filter = if SHALLOW.contains(&node.name) { USED } else { WALKED };
            let expr = node.expr.as_ref().map(|expr| through(filter, expr));
            let node = like(node, Filter { name: node.name, expr, args: arguments(WALKED, &node.args) });
            filtered(SETTLED, Expr::Filter(node))
        }
        Expr::Test(node) => {
            let filter = if SHALLOW.contains(&node.name) { USED } else { WALKED };
            let (expr, args) = (through(filter, &node.expr), arguments(WALKED, &node.args));
            Expr::Test(like(node, Test { name: node.name, expr, args }))
        }
        Expr::GetAttr(node) => Expr::GetAttr(like(node, GetAttr { expr: expression(&node.expr), name: node.name })),
        Expr::GetItem(node) => {
            let (expr, subscript_expr) = (through(USED, &node.expr), through(WALKED, &node.subscript_expr));
            Expr::GetItem(like(node, GetItem { expr, subscript_expr }))
        }
        Expr::Call(node) => filtered(SETTLED, Expr::Call(like(node, call(node)))),
        Expr::List(node) => Expr::List(like(node, List { items: all(STORED, &node.items) })),
        Expr::Tuple(node) => Expr::Tuple(like(node, Tuple { items: all(STORED, &node.items) })),
        Expr::Map(node) => {
            Expr::Map(like(node, Map { keys: all(STORED, &node.keys), values: all(STORED, &node.values) }))
        }
    }
}

fn binary<'a>(node: &Spanned<BinOp<'a>>) -> Expr<'a> {
    let with = |side: fn(&Expr<'a>) -> Expr<'a>| {
        Expr::BinOp(like(node, BinOp { op: node.op, left: side(&node.left), right: side(&node.right) }))
    };
    match node.op {
        BinOpKind::ScAnd | BinOpKind::ScOr => with(expression),
        BinOpKind::Add | BinOpKind::Mul => filtered(SETTLED, with(|side| through(WALKED, side))),
        _ => with(|side| through(WALKED, side)),
    }
}

/// Rewrites a call. Arguments of functions are only passed on: macros do not walk them, and the functions of
/// [`super::python`] charge for themselves.
fn call<'a>(node: &Call<'a>) -> Call<'a> {
    match node.identify_call() {
        CallType::Method(object, name) => {
            let Expr::GetAttr(place) = &node.expr else { unreachable!("methods are attributes") };
            let expr = Expr::GetAttr(like(place, GetAttr { expr: through(WALKED, object), name }));
            Call { expr, args: arguments(WALKED, &node.args) }
        }
        CallType::Function(_) | CallType::Object(_) => {
            Call { expr: expression(&node.expr), args: arguments(USED, &node.args) }
        }
    }
}

fn arguments<'a>(filter: &'a str, args: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    let argument = |arg: &CallArg<'a>| match arg {
        CallArg::Pos(expr) => CallArg::Pos(through(filter, expr)),
        CallArg::Kwarg(name, expr) => CallArg::Kwarg(name, through(filter, expr)),
        CallArg::PosSplat(expr) => CallArg::PosSplat(through(filter, expr)),
        CallArg::KwargSplat(expr) => CallArg::KwargSplat(through(filter, expr)),
    };
    args.iter().map(argument).collect()
}
