//! The mixer: a channel per component, accuracies of model and mix, the fit with its path, and baselines.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    analysis::Method,
    app::{
        Action,
        state::{Fitting, State, mixer::Dragged, open_run::OpenRun},
        update::selection::select_channel,
    },
    text::{brief, printable, signed},
    tui::{
        layout::{
            self, Layout,
            list::{first_row, row_at},
            mixer::MixerLayout,
        },
        theme::{Role, Theme, glyph, kind_name},
        widgets::{fader, legend, pane},
    },
};

use super::{
    baselines, component_map,
    draw_context::{DrawContext, opened, percent},
    mix, status,
    view::{Target, View},
};

pub(super) const VIEW: View = View {
    page: |layout, _| MixerLayout::new(layout.area).rows.height,
    target,
    right_button: Some(Action::Mark),
    ..View::new(draw, hints)
};

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::Fit,
        Action::ToggleMix,
        Action::Method,
        Action::GainUp,
        Action::GainDown,
        Action::Mute,
        Action::Solo,
        Action::Mark,
        Action::Undo,
        Action::SaveMix,
        Action::Close,
    ]
}

/// Returns the λ slider, the fader or the channel at a position.
fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let places = MixerLayout::new(layout.area);
    if places.slider().contains(at) {
        return Some(Target::Handle(Dragged::Strength));
    }
    let (channels, here) = listed(state);
    let channel = *channels.get(row_at(places.rows, channels.len(), here, at)?)?;
    let place = Target::Place(select_channel, channel);
    Some(if places.is_on_track(at) { Target::Handle(Dragged::Fader(channel)) } else { place })
}

/// Returns the channels in the order of the list, and the row of the cursor.
fn listed(state: &State) -> (Vec<usize>, usize) {
    let channels: Vec<usize> = state.channels().collect();
    let here = channels.iter().position(|&channel| Some(channel) == state.channel()).unwrap_or(0);
    (channels, here)
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let places = MixerLayout::new(layout.area);
    let Some(run) = ctx.state.run() else {
        return component_map::draw_waiting(buf, layout::body(layout.area), ctx);
    };
    channels(buf, places, ctx, run);
    accuracy(buf, places.accuracy, ctx, run);
    fit(buf, places, ctx, run);
    baselines::draw(buf, places.baselines, ctx, run);
}

fn channels(buf: &mut Buffer, places: MixerLayout, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let note = match (state.marks.len(), state.kinds) {
        (0, None) => state.map.metric.title().to_owned(),
        (0, Some(kind)) => format!("{} · {} only", state.map.metric.title(), kind_name(kind)),
        (marked, _) => format!("{marked} marked"),
    };
    opened(buf, places.channels, theme, "mixer", Line::styled(note, theme.fg(Role::Dim)));
    heading(buf, places, ctx);
    let (channels, at) = listed(state);
    let room = usize::from(places.rows.height);
    let first = first_row(channels.len(), room, at);
    for (row, (index, &channel)) in channels.iter().enumerate().skip(first).take(room).enumerate() {
        draw_channel(buf, places, row as u16, (ctx, run, channel));
        if index == at {
            buf.set_style(Rect { y: places.rows.y + row as u16, height: 1, ..places.rows }, theme.selected());
        }
    }
    pane::scroll_cues(buf, places.rows, theme, (first, channels.len()));
    let legend = Rect { y: places.channels.bottom().saturating_sub(1), height: 1, ..places.channels };
    legend::draw_kinds(buf, legend, theme, run);
}

/// Draws the names of the columns, with the unit of the quantity and the scale of the faders.
fn heading(buf: &mut Buffer, places: MixerLayout, ctx: DrawContext<'_>) {
    let (theme, row) = (ctx.theme, Rect { y: places.channels.y + 1, height: 1, ..places.channels });
    let unit = ctx.state.map.metric.unit().name();
    pane::put_at(buf, row, 0, Line::styled(format!("   {:<8}{unit:>5}", "channel"), theme.fg(Role::Dim)));
    fader::scale(buf, Rect { y: row.y, ..places.track(0) }, theme, ctx.state.fit_controls.span);
    pane::put_right(buf, row, Line::styled("weight   ", theme.fg(Role::Dim)));
}

/// Draws `+▲ L5.H3     93  ━━━━━━┿━━●─────   1.25 ×`.
fn draw_channel(
    buf: &mut Buffer,
    places: MixerLayout,
    row: u16,
    (ctx, run, channel): (DrawContext<'_>, &OpenRun, usize),
) {
    let (state, theme, mixer) = (ctx.state, ctx.theme, &run.mixer);
    let is_rest = channel == mixer.rest_channel();
    let kind = if is_rest { None } else { run.kind(channel) };
    let name = if is_rest { "rest".to_owned() } else { run.name(channel).to_string() };
    let value = state.map.values.get(channel).copied().flatten();
    let value = value.map_or_else(|| "·".to_owned(), |value| state.map.metric.short(value));
    let role = kind.map_or(Role::Text, Theme::kind);
    let place = Rect { y: places.rows.y + row, height: 1, ..places.rows };
    let mark = if state.marks.contains(&channel) { "+" } else { " " };
    let value = if is_rest { String::new() } else { value };
    let before = Line::from(vec![
        Span::styled(mark, theme.bold(Role::Accent)),
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(role)),
        Span::styled(format!("{name:<8}"), theme.fg(if is_rest { Role::Dim } else { Role::Text })),
        Span::styled(format!("{value:>5}"), theme.fg(role)),
    ]);
    pane::put_at(buf, place, 0, before);
    let is_on = mixer.weight(channel) != 0.0 && mixer.on;
    fader::draw(buf, places.track(row), theme, state.fit_controls.span, mixer.gain(channel), is_on);
    let sign = match () {
        () if mixer.is_muted(channel) => "×",
        () if mixer.is_solo(channel) => "◆",
        () => " ",
    };
    let moved = mixer.gain(channel).to_bits() != 1.0_f64.to_bits();
    let style = if moved { theme.bold(Role::Accent) } else { theme.fg(Role::Dim) };
    let after = Line::from(vec![
        Span::styled(format!("{:>6.2} ", mixer.gain(channel)), style),
        Span::styled(format!("{sign} "), theme.bold(Role::Accent)),
    ]);
    pane::put_right(buf, place, after);
}

/// Draws the accuracies of model and mix on both splits, and their mean margin on the test split.
fn accuracy(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let theme = ctx.theme;
    let (mark, role) = mix::on_or_off(Some(run));
    let inside = opened(buf, area, theme, "mix", Line::styled(mark, theme.bold(role)));
    let margin = |margin: Option<f64>| margin.map_or_else(|| "–".to_owned(), |margin| format!("{margin:+.2}"));
    let row = |name: &str, is_on: bool, test: Option<f64>, train: Option<f64>, nats: Option<f64>| {
        let (mark, style) = if is_on { ("▸", theme.bold(Role::Accent)) } else { (" ", theme.fg(Role::Dim)) };
        let text = format!("{mark} {name:<6}{:>7}{:>7}{:>9}", percent(test), percent(train), margin(nats));
        Line::styled(text, style)
    };
    let (test, train, on) = (&run.test, &run.train, run.mixer.on);
    let heads = Line::styled(format!("  {:<6}{:>7}{:>7}{:>9}", "", "test", "train", "margin"), theme.fg(Role::Dim));
    let model = row("model", !on, test.tally.full_accuracy(), train.tally.full_accuracy(), test.tally.full_margin());
    let fit = format!("  no mix yet: {} fits one", ctx.state.key_of(Action::Fit));
    let mixed = if run.mixer.is_model() {
        Line::styled(fit, theme.fg(Role::Dim))
    } else {
        row("mix", on, test.mixed.accuracy(), train.mixed.accuracy(), test.mixed.margin())
    };
    let left = pane::stack(buf, inside, [heads, model, mixed]);
    let mut notes = [mix::note(ctx, run), offsets(theme, run)];
    if ctx.state.fit_controls.on_rest && !run.mixer.offsets().is_empty() {
        notes.reverse();
    }
    pane::stack(buf, left, notes);
}

/// Returns the offsets that the mix adds to the label logits of every example, in nats.
fn offsets(theme: &Theme, run: &OpenRun) -> Line<'static> {
    let added = run.mixer.offsets().iter().zip(run.task.class_names());
    let named: Vec<String> =
        added.map(|(&offset, word)| format!("{} {}", printable(word.trim()), signed(offset, 1))).collect();
    if named.is_empty() {
        return Line::default();
    }
    Line::styled(format!("+ {}", named.join(" ")), theme.fg(Role::Text))
}

/// Draws the method, and the position of the mix on the path of the fit.
fn fit(buf: &mut Buffer, places: MixerLayout, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let method = state.fit_controls.method;
    let (note, role) = match run.mixer.origin() {
        Some((what, true)) => (format!("{}, then edited", in_fit(what)), Role::Text),
        Some((what, false)) => (in_fit(what).to_owned(), Role::Accent),
        None if run.mixer.is_model() => (String::new(), Role::Dim),
        None => ("weights by hand".to_owned(), Role::Text),
    };
    let inside = opened(buf, places.fit, theme, "fit", Line::styled(note, theme.bold(role)));
    let position = if let Some(path) = &run.path {
        let slider = places.slider();
        pane::put_at(buf, inside, 0, Line::styled("λ strong", theme.fg(Role::Dim)));
        let word = Rect { x: slider.right() + 1, y: slider.y, width: 5, height: 1 };
        pane::put_at(buf, word, 0, Line::styled("weak", theme.fg(Role::Dim)));
        let last = path.fits.len().saturating_sub(1).max(1) as f64;
        fader::slider(buf, slider, theme, path.at as f64 / last, path.chosen as f64 / last);
        let here = path.current().map_or(0.0, |fit| fit.lambda);
        let from = match () {
            () if !on_path(run) => "of the last fit, not of this mix",
            () if path.at == path.chosen => "chosen by the fit",
            () => "◇ chosen by the fit",
        };
        Line::styled(format!("λ {}   {from}", brief(here)), theme.fg(Role::Text))
    } else {
        pane::put_at(buf, inside, 0, waiting(ctx, run));
        Line::default()
    };
    let below = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    pane::stack(buf, below, [position, keys(state, theme, method, below.width.into())]);
}

/// Returns where weights came from, under the title `fit`: `by partscope` of `fit by partscope`.
fn in_fit(what: &str) -> &str {
    what.strip_prefix("fit ").unwrap_or(what)
}

/// Whether the mix is the current fit of the path.
fn on_path(run: &OpenRun) -> bool {
    let current = run.path.as_ref().and_then(|path| path.current());
    current.is_some_and(|fit| fit.mix == run.mixer.mix())
}

fn waiting(ctx: DrawContext<'_>, run: &OpenRun) -> Line<'static> {
    let theme = ctx.theme;
    match ctx.state.fitting {
        Fitting::Running(id) | Fitting::Path(id) if id == run.id => {
            let what = if matches!(ctx.state.fitting, Fitting::Path(_)) { "fitting the path" } else { "fitting" };
            Line::styled(format!("{} {what}", status::spinner(ctx.tick)), theme.bold(Role::Accent))
        }
        _ => match &run.fit {
            Some(fit) => {
                let text = format!("{} uses λ = {}", fit.method.title(), brief(fit.lambda));
                Line::styled(text, theme.fg(Role::Text))
            }
            None => Line::styled("no fit yet", theme.fg(Role::Dim)),
        },
    }
}

/// Returns `w fits by partscope  n method  [ ] λ`: the method named is that of the next fit. What does not fit is left
/// out.
fn keys(state: &State, theme: &Theme, next: Method, width: usize) -> Line<'static> {
    let key = |action| state.keymap.keys(state.key_context(), action).into_iter().next().unwrap_or_default();
    let lambda = format!("{} {}", key(Action::Stronger), key(Action::Weaker));
    let fits = format!("fits by {}", next.title());
    let mut line = Line::default();
    for (keys, name) in [(key(Action::Fit), fits.as_str()), (key(Action::Method), "method"), (lambda, "λ")] {
        if line.width() + pane::width(&keys) + 1 + pane::width(name) > width {
            break;
        }
        line.spans.push(Span::styled(keys, theme.bold(Role::Accent)));
        line.spans.push(Span::styled(format!(" {name}  "), theme.fg(Role::Dim)));
    }
    line
}
