//! The keys that matter here, from the keymap.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{Action, Place},
    tui::{theme::Role, widgets::pane},
};

use super::Scene;

/// Hints in order of use; those that do not fit are left to the help.
const fn hints(place: Place) -> &'static [Action] {
    match place {
        Place::Explore => &[
            Action::Fit,
            Action::ToggleMix,
            Action::Mute,
            Action::Mixer,
            Action::Prompt,
            Action::Examples,
            Action::Compare,
            Action::NextSeed,
            Action::NextTemplate,
            Action::NextTask,
            Action::Metric,
            Action::Ranking,
            Action::Solo,
            Action::Undo,
            Action::Attention,
            Action::AblateMix,
            Action::AblateEach,
            Action::Filter,
        ],
        Place::Mix => &[
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
        ],
        Place::Prompt => &[
            Action::Rerun,
            Action::OwnText,
            Action::Later,
            Action::Earlier,
            Action::Relabel,
            Action::Another,
            Action::Replace,
            Action::Add,
            Action::Remove,
            Action::NextSeed,
            Action::NextTemplate,
            Action::ToggleMix,
            Action::Close,
        ],
        Place::Examples => &[
            Action::ToggleMix,
            Action::Fit,
            Action::Filter,
            Action::Search,
            Action::FullPrompt,
            Action::ListDown,
            Action::ListUp,
            Action::Close,
        ],
        Place::Cause => &[
            Action::Attention,
            Action::Writes,
            Action::AblateMix,
            Action::Positions,
            Action::Fill,
            Action::Mute,
            Action::ListDown,
            Action::AblateEach,
            Action::Close,
        ],
        Place::Compare => &[
            Action::NextSeed,
            Action::NextTemplate,
            Action::OtherRun,
            Action::ListDown,
            Action::ListUp,
            Action::Best,
            Action::Close,
        ],
        Place::Matrix => {
            &[Action::Open, Action::Queue, Action::NextSeed, Action::NextTemplate, Action::Runs, Action::Close]
        }
        Place::Runs => &[
            Action::Open,
            Action::Queue,
            Action::Rerun,
            Action::Compare,
            Action::Cancel,
            Action::Delete,
            Action::Matrix,
            Action::Close,
        ],
        Place::Help => &[Action::Down, Action::Up, Action::Close],
        Place::Line => &[Action::Down, Action::Up, Action::Accept, Action::Close],
    }
}

const ALWAYS: [Action; 3] = [Action::Palette, Action::Help, Action::Quit];

/// One line over the whole width.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let place = scene.state.place();
    buf.set_style(area, scene.theme.on(Role::Text, Role::Panel));
    let always = ALWAYS.iter().flat_map(|&action| hint(scene, place, action)).collect::<Vec<_>>();
    let right = Line::from(always);
    let mut room = usize::from(area.width).saturating_sub(right.width() + 1);
    let mut spans = vec![Span::raw(" ")];
    for &action in hints(place) {
        let hint = hint(scene, place, action);
        let width: usize = hint.iter().map(Span::width).sum();
        if width > room {
            break;
        }
        room -= width;
        spans.extend(hint);
    }
    pane::put_at(buf, area, 0, Line::from(spans));
    pane::put_right(buf, area, right);
}

/// `w fit  `.
fn hint(scene: Scene<'_>, place: Place, action: Action) -> Vec<Span<'static>> {
    let Some(key) = scene.state.keymap.keys(place, action).into_iter().next() else { return Vec::new() };
    vec![
        Span::styled(key, scene.theme.bold(Role::Accent)),
        Span::styled(format!(" {}  ", action.name()), scene.theme.fg(Role::Dim)),
    ]
}
