//! One example in detail: its text, the label probabilities, and the margin by component.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{Action, state::open_run::OpenRun},
    tui::{
        theme::Role,
        widgets::{pane, prompt_text},
    },
};

use super::{
    draw_context::{DrawContext, opened},
    prediction::{Logits, chances, terms},
};

/// Draws the pane on the right.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let (Some(run), Some(breakdown)) = (ctx.state.run(), &ctx.state.breakdown) else {
        let inside = opened(buf, area, theme, "example", Line::default());
        pane::stack(buf, inside, [Line::styled("no example in this list", theme.fg(Role::Dim))]);
        return;
    };
    let item = &run.test.items[breakdown.example];
    let note = Line::from(vec![
        Span::styled("gold ", theme.fg(Role::Dim)),
        Span::styled(run.label(item.gold), theme.bold(Role::Text)),
    ]);
    let inside = pane::open(buf, area, theme, Line::styled(item.id.clone(), theme.bold(Role::Accent)), note);
    let text = pane::wrap(&item.text, usize::from(inside.width));
    let most = usize::from(inside.height / 3);
    let left =
        pane::stack(buf, inside, text.into_iter().take(most).map(|line| Line::styled(line, theme.fg(Role::Strong))));
    let width = usize::from(inside.width);
    let left = pane::stack(buf, left, chances(theme, run, item.gold, &logits(run, breakdown.example), width));
    match ctx.state.example_list.prompt {
        Some(below) => {
            let left = Rect { y: left.y + 1, height: left.height.saturating_sub(1), ..left };
            let text = item.prompt.as_ref().map(ToString::to_string);
            prompt(buf, left, ctx, text.as_deref(), below);
        }
        None => terms(buf, left, theme, run, breakdown),
    }
}

/// Returns the label logits of the example.
fn logits(run: &OpenRun, example: usize) -> Logits {
    let (split, labels) = (&run.test, run.shape.labels);
    let at = example * labels..(example + 1) * labels;
    Logits {
        model: split.table.full()[at.clone()].iter().map(|&logit| f64::from(logit)).collect(),
        mix: (!run.mixer.is_model()).then(|| split.mixed.logits()[at].to_vec()),
    }
}

/// Draws the prompt as the model read it, from the end.
fn prompt(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, text: Option<&str>, below: usize) {
    let theme = ctx.theme;
    let note = Line::styled(format!("{} closes", ctx.state.key_of(Action::FullPrompt)), theme.fg(Role::Dim));
    let inside = opened(buf, area, theme, "the prompt", note);
    let Some(text) = text else {
        let lines = pane::wrap("saved runs do not store prompts: run it again to see them", inside.width.into());
        pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Dim))));
        return;
    };
    prompt_text::draw(buf, inside, theme, text, below);
}
