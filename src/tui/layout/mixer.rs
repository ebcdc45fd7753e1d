//! Layout of the mixer.

use ratatui::layout::{Position, Rect};

use super::body;

/// Columns before and after the track of a fader.
const BEFORE: u16 = 18;
const AFTER: u16 = 10;

/// Columns of the panes on the right.
const SIDE: u16 = 34;

/// Rows of the panes for accuracy and fit, with titles.
const ACCURACY: u16 = 5;
const FIT: u16 = 4;

/// Least rows of a screen whose accuracy pane has another row, for label offsets.
const TALL: u16 = 30;

/// Areas of the mixer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixerLayout {
    /// Channels, with title, heading and legend.
    pub channels: Rect,
    /// Rows of the channels alone.
    pub rows: Rect,
    /// Accuracies of model and mix.
    pub accuracy: Rect,
    /// Method and path of the fit.
    pub fit: Rect,
    /// Baselines.
    pub baselines: Rect,
}

impl MixerLayout {
    /// Returns the layout for a screen.
    pub fn new(area: Rect) -> Self {
        let body = body(area);
        let side_width = SIDE.max(body.width / 3).min(56);
        let channels = Rect { x: body.x + 1, width: body.width - side_width - 4, ..body };
        let rows = Rect { y: channels.y + 2, height: channels.height.saturating_sub(3), ..channels };
        let side = Rect { x: channels.right() + 2, width: side_width, ..body };
        let accuracy = Rect { height: ACCURACY + u16::from(area.height >= TALL), ..side };
        let fit = Rect { y: accuracy.bottom(), height: FIT, ..side };
        let baselines = Rect { y: fit.bottom(), height: body.bottom().saturating_sub(fit.bottom()), ..side };
        Self { channels, rows, accuracy, fit, baselines }
    }

    /// Returns the track of the fader in a row.
    pub fn track(&self, row: u16) -> Rect {
        let width = self.rows.width.saturating_sub(BEFORE + AFTER);
        Rect { x: self.rows.x + BEFORE, y: self.rows.y + row, width, height: 1 }
    }

    /// Returns the λ slider, between its two labels.
    pub const fn slider(&self) -> Rect {
        let labels = 16;
        Rect { x: self.fit.x + 9, y: self.fit.y + 1, width: self.fit.width.saturating_sub(labels), height: 1 }
    }

    /// Returns whether a position is on the track of a fader.
    pub fn is_on_track(&self, at: Position) -> bool {
        self.rows.contains(at) && self.track(at.y - self.rows.y).contains(at)
    }
}

/// Returns the position of `x` along `track`, from 0 to 1.
pub fn share(track: Rect, x: u16) -> f64 {
    let last = track.width.saturating_sub(1).max(1);
    f64::from(x.saturating_sub(track.x).min(last)) / f64::from(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_never_overlap_or_leave_the_screen() {
        for (width, height) in [(72, 20), (80, 24), (120, 40), (200, 60), (400, 20)] {
            let area = Rect::new(0, 0, width, height);
            let places = MixerLayout::new(area);
            let all = [places.channels, places.accuracy, places.fit, places.baselines];
            for (i, a) in all.iter().enumerate() {
                assert_eq!(body(area).intersection(*a), *a, "{width}×{height} {i}");
                assert!(all[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}×{height} {i}");
            }
            assert!(places.track(0).width >= 6 && places.channels.intersection(places.track(3)) == places.track(3));
            assert_eq!(places.fit.intersection(places.slider()), places.slider());
        }
    }

    #[test]
    fn shares_run_from_end_to_end() {
        let track = Rect::new(10, 0, 11, 1);
        for (x, expected) in [(0, 0.0), (10, 0.0), (15, 0.5), (20, 1.0), (99, 1.0)] {
            assert!((share(track, x) - expected).abs() < 1e-12);
        }
    }
}
