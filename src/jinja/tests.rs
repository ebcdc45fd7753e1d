use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::*;

fn chat() -> Dialect {
    Dialect::Chat(Date::default())
}

fn render(dialect: Dialect, source: &str) -> Result<String, JinjaError> {
    Jinja::new(dialect, source)?.render(&json!({"a": 1, "s": "text", "l": [1, 2, 3], "m": {"k": "v"}}))
}

fn reason(dialect: Dialect, source: &str) -> Option<Reason> {
    render(dialect, source).err().map(|error| error.reason)
}

/// Chains of each operator, `before` and `after` which every link stands.
const CHAINS: [(&str, &str, &str); 24] = [
    ("{{ a", " + 1", " }}"),
    ("{{ a", " - 1", " }}"),
    ("{{ a", " * a", " }}"),
    ("{{ a", " ** a", " }}"),
    ("{{ a", " // a", " }}"),
    ("{{ a", " % 7", " }}"),
    ("{{ a", " ~ a", " }}"),
    ("{{ a", " and a", " }}"),
    ("{{ a", " or a", " }}"),
    ("{{ a", " == a", " }}"),
    ("{{ a", " if a", " }}"),
    ("{{ a", " if a else a", " }}"),
    ("{{ a", " is defined", " }}"),
    ("{{ a", " | string", " }}"),
    ("{{ a", ".a", " }}"),
    ("{{ a", "[0]", " }}"),
    ("{{ a", "()", " }}"),
    ("{{ a", "[:]", " }}"),
    ("{{ ", "not ", "a }}"),
    ("{{ ", "-", "a }}"),
    ("{{ ", "(", "a"),
    ("{{ ", "[", "a"),
    ("{% set ", "(", "a"),
    ("{% if a %}", "{% elif a %}", "{% endif %}"),
];

#[test]
fn long_chains_are_refused_and_shorter_ones_fit_on_a_quarter_of_the_stack() {
    for (before, link, after) in CHAINS {
        let chain = |links: usize| format!("{before}{}{after}", link.repeat(links));
        for links in [5_000, 60_000] {
            let error = Jinja::new(chat(), &chain(links)).expect_err(link);
            assert!(matches!(error.reason, Reason::TooLarge | Reason::Syntax), "{link}: {error}");
        }
        let longest = chain(900 / link.split(['a', '0']).filter(|part| !part.is_empty()).count().max(1));
        thread::Builder::new()
            .stack_size(STACK / 4)
            .spawn(move || {
                let Ok(source) = checked(chat(), &longest) else { return };
                if let Ok(mut program) = Program::new(chat(), &source) {
                    let _ = program.names();
                    let _ = program.render(Value::from(Serde(json!({"a": 1}))), 1_000_000);
                }
            })
            .unwrap()
            .join()
            .unwrap();
    }
}

#[test]
fn long_templates_are_refused() {
    let long = "x".repeat(limits::MAX_LENGTH + 1);
    assert_eq!(reason(chat(), &long), Some(Reason::TooLarge));
    assert_eq!(render(chat(), &long[1..]).unwrap().len(), limits::MAX_LENGTH);
}

/// Templates that grow a value by doubling it, by every way that a template has.
fn growing() -> Vec<String> {
    let doubled = |start: &str, step: &str, end: &str| format!("{start}{}{end}", step.repeat(200));
    let mut all = Vec::new();
    for end in ["{{ x }}", "{{ x ~ '' }}", "{{ x | length }}", "{{ x == [x] }}", "{{ x | tojson }}", "{{ x | join }}"] {
        for start in ["{% set x = [1] %}", "{% set x = (1, 2) %}", "{% set x = 'ab' %}", "{% set x = {'k': 1} %}"] {
            for step in [
                "{% set x = x + x %}",
                "{% set x = x * 2 %}",
                "{% set x = x * 99999 %}",
                "{% set x = [x, x] %}",
                "{% set x = (x, x) %}",
                "{% set x = {'a': x, 'b': x} %}",
                "{% set x = dict(a=x, b=x) %}",
                "{% set x = x ~ x %}",
                "{% set x = x | zip(x) | list %}",
                "{% set x = x[:] + x[:] %}",
                "{% set x = x | string + x | string %}",
                "{% set x %}{{ x }}{{ x }}{% endset %}",
            ] {
                all.push(doubled(start, step, end));
            }
        }
    }
    for body in [
        "{% set n.x = n.x + n.x %}",
        "{% set n.x = [n.x] %}",
        "{% set n.x = [n.x, n.x] %}",
        "{% set n.x = n.x[1:] %}",
        "{% set n.x = n.x | list | batch(1) | list %}",
        "{% set n.x = n.x ~ n.x %}",
    ] {
        let loops = "{% for i in range(9999) %}{% for j in range(9999) %}";
        all.push(format!("{{% set n = namespace(x=[1]) %}}{loops}{body}{{% endfor %}}{{% endfor %}}{{{{ n.x }}}}"));
    }
    all.extend(
        [
            "{% set n = namespace() %}{% set n.x = n %}{{ n }}",
            "{% set n = namespace() %}{% set n.x = [n] %}{{ n }}",
            "{% set n = namespace() %}{% set n.x = dict(a=n) %}{{ n }}",
            "{% set n = namespace() %}{% set n.x = cycler(n) %}{{ n.x }}",
            "{% set n = namespace() %}{% for i in [1] %}{% set n.x = loop %}{{ loop }}{% endfor %}{{ n }}",
            "{% macro f(x) %}{{ f(x + x) }}{% endmacro %}{{ f([1]) }}",
            "{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}",
            "{% for x in [[1]] recursive %}{{ loop([x, x]) }}{% endfor %}",
            "{{ [0] * 99999999 }}",
            "{{ ([0] * 99999) * 99999 ~ '' }}",
            "{{ 'x' * 99999999 }}",
            "{{ '%999999999d' | format(1) }}",
            "{{ '{:999999999}'.format(1) }}",
            "{{ 'x'.ljust(999999999) }}",
            "{{ 'x' | center(999999999) }}",
            "{{ 'x' | indent(999999999, true) }}",
            "{{ [[[[1]]]] | tojson(indent=999999999) }}",
            "{{ [1] | batch(999999999, 0) }}",
            "{{ [1] | slice(999999999) }}",
            "{{ range(999999999) }}",
            "{{ 1 | round(999999999) }}",
            "{{ ('x' * 9999).replace('', 'y' * 9999) }}",
            "{{ ('x' * 9999) | replace('', 'y' * 9999) }}",
            "{{ ('y' * 9999).join('x' * 9999) }}",
            "{{ 9 ** 9 ** 9 ** 9 }}",
        ]
        .map(str::to_owned),
    );
    all
}

/// None may use much time; memory is bounded by the same supply of fuel. Some are refused, some give a short text.
#[test]
fn no_template_grows_without_bound() {
    for (index, source) in growing().into_iter().enumerate() {
        // Chat templates have a hundred times the fuel, so only a sample of them keeps the test short.
        for dialect in [Dialect::Task, chat()].into_iter().take(if index % 23 == 0 { 2 } else { 1 }) {
            let started = Instant::now();
            let outcome = render(dialect, &source);
            let (time, start) = (started.elapsed(), &source[..source.len().min(120)]);
            assert!(time < Duration::from_secs(20), "{time:?} {start}");
            if let Ok(text) = outcome {
                assert!(text.len() < 1 << 20, "{} {start}", text.len());
            }
        }
    }
    assert_eq!(
        reason(chat(), &("{% set x = [1] %}".to_owned() + &"{% set x = x + x %}".repeat(60))),
        Some(Reason::OutOfFuel)
    );
}

#[test]
fn errors_have_a_reason_and_a_line() {
    for (source, reason, line, message) in [
        ("a\n{{ raise_exception('no\x1b[2J') }}", Reason::Raised, Some(2), "no\x1b[2J"),
        ("a\n\n{{ ", Reason::Syntax, Some(3), "syntax error: unexpected end of input, expected expression"),
        ("{{ a.b.c }}", Reason::Undefined, Some(1), "undefined value"),
        ("{{ s | nothing }}", Reason::Failed, Some(1), "unknown filter: filter nothing is unknown"),
        ("{{ l.append(4) }}", Reason::Failed, Some(1), "unknown method: sequence has no method named append"),
        (
            "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
            Reason::OutOfFuel,
            Some(1),
            "engine ran out of fuel",
        ),
    ] {
        let error = render(chat(), source).unwrap_err();
        assert_eq!((error.reason, error.line, error.message.as_str()), (reason, line, message), "{source}");
    }
    let long = render(chat(), "{{ raise_exception('x' * 9999999) }}").unwrap_err();
    assert!(long.message.len() < 1_000, "{}", long.message.len());
}

#[test]
fn a_template_can_be_used_from_many_threads_and_again_after_an_error() {
    let template = Jinja::new(Dialect::Task, "{{ 10 // n }}").unwrap();
    thread::scope(|scope| {
        for n in 0..8 {
            let template = template.clone();
            scope.spawn(move || {
                let text = template.render(&json!({"n": n})).ok();
                assert_eq!(text, 10_i32.checked_div(n).map(|quotient| quotient.to_string()));
            });
        }
    });
}

/// Texts of Jinja2 with transformers' settings, by `tools/golden_jinja.py`.
#[test]
fn texts_are_those_of_transformers() {
    let golden: Json = serde_json::from_str(include_str!("../../tests/golden/jinja.json")).unwrap();
    let mut differing = Vec::new();
    for case in golden["cases"].as_array().unwrap() {
        let template = case["template"].as_str().unwrap();
        let rendered = Jinja::new(chat(), template).and_then(|jinja| jinja.render(&golden["values"]));
        if rendered.as_deref().ok() != case["text"].as_str() {
            differing.push(format!("{template}\n  expected {}\n  found    {rendered:?}", case["text"]));
        }
    }
    assert!(differing.is_empty(), "{} differ\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn names_in_slices_are_fields_too() {
    for (source, expected) in [
        ("{{ text[:9] }}", &["text"][..]),
        ("{{ meta.text[2:] }} {{ other[0] }}", &["meta", "other"]),
        ("{% for c in choices[:2] %}{{ c[:1] }}{% endfor %}", &["choices"]),
        ("{% set first = text %}{{ first[:3] }} {{ [1, 2][0] }}", &["text"]),
    ] {
        assert_eq!(Jinja::new(Dialect::Task, source).unwrap().names(), expected, "{source}");
    }
}
