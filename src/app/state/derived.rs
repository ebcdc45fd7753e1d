//! What follows from the rest of the state, kept at hand so that drawing computes nothing.

use super::{Map, Screen, State, comparison::Pairing, margin::Argument, metric::Metric};

impl State {
    /// Brings what is derived for the screen up to date.
    pub(crate) fn refresh(&mut self) {
        let Some(sheet) = self.sheets.get(self.current) else { return };
        let asked = self.cause.is_busy();
        let metric = if asked || self.map.metric.is_known(sheet) { self.map.metric } else { Metric::default() };
        let components = sheet.shape.components();
        let values: Vec<Option<f64>> = (0..components).map(|c| metric.value(sheet, c)).collect();
        self.map = Map { metric, scale: metric.scale(sheet.shape.labels, &values), values };
        self.listing.refresh(sheet);
        let opened = self.listing.rows.get(self.listing.at).filter(|_| self.screen == Screen::Examples);
        self.argument = opened.and_then(|&example| Argument::of(sheet, example));
        if self.mixer.held.is_none() {
            self.mixer.span = sheet.desk.span();
        }
        self.marks.retain(|&strip| strip <= components);
        self.refresh_order(components);
        self.refresh_pairing();
    }

    /// Ranks the components that are shown. At the mixing desk a fader that is moved keeps its place.
    fn refresh_order(&mut self, components: usize) {
        let shown: Vec<usize> = (0..components).filter(|&component| self.shows(component)).collect();
        let mut before = self.order.clone();
        before.sort_unstable();
        if self.screen == Screen::Mix && self.map.metric == Metric::Weight && before == shown {
            return;
        }
        self.order = shown;
        self.order.sort_by(|&a, &b| {
            let value = |index: usize| self.map.values[index].unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a))
        });
    }

    /// Compares anew if other runs are compared than before.
    fn refresh_pairing(&mut self) {
        let (Some(a), Some(b)) = (self.other_sheet(), self.sheet()) else {
            self.pairing = None;
            return;
        };
        let same = self.pairing.as_ref().is_some_and(|pairing| (pairing.a, pairing.b) == (a.id, b.id));
        if self.screen == Screen::Compare && !same {
            self.pairing = Pairing::of(a, b);
            self.flip = 0;
        }
    }
}
