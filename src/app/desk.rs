//! The mixing desk: one fader per component and one for `rest`, with mute, solo and undo.
//!
//! The desk knows settings only. What they do to predictions is [`Mixed`](super::mixed::Mixed)'s business.

/// Where every fader stands.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    gains: Vec<f64>,
    rest: f64,
    muted: Vec<bool>,
    solo: Vec<bool>,
}

impl Setting {
    fn model(components: usize) -> Self {
        Self { gains: vec![1.0; components], rest: 1.0, muted: vec![false; components], solo: vec![false; components] }
    }
}

/// How many changes can be taken back.
const HISTORY: usize = 200;

/// How far one press moves a fader.
pub const STEP: f64 = 0.25;

/// The settings of one run's mix and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Desk {
    now: Setting,
    past: Vec<Setting>,
    future: Vec<Setting>,
    /// Whether the mix is heard; otherwise the model itself is.
    pub on: bool,
}

impl Desk {
    /// All faders at one: the model itself.
    pub fn new(components: usize) -> Self {
        Self { now: Setting::model(components), past: Vec::new(), future: Vec::new(), on: false }
    }

    /// Whether every fader stands where the model has it.
    pub fn is_model(&self) -> bool {
        self.now == Setting::model(self.now.gains.len())
    }

    /// Where the fader of a component stands, whether or not it is heard.
    pub fn gain(&self, component: usize) -> f64 {
        self.now.gains[component]
    }

    /// Whether a component is muted.
    pub fn is_muted(&self, component: usize) -> bool {
        self.now.muted[component]
    }

    /// Whether a component is soloed.
    pub fn is_solo(&self, component: usize) -> bool {
        self.now.solo[component]
    }

    /// Whether only soloed components are heard.
    pub fn any_solo(&self) -> bool {
        self.now.solo.contains(&true)
    }

    /// The weight with which a component enters the sum.
    pub fn weight(&self, component: usize) -> f64 {
        let silent = self.now.muted[component] || (self.any_solo() && !self.now.solo[component]);
        if silent { 0.0 } else { self.now.gains[component] }
    }

    /// The weights with which all components enter the sum.
    pub fn weights(&self) -> Vec<f64> {
        let heard = !self.any_solo();
        let strip = self.now.gains.iter().zip(&self.now.muted).zip(&self.now.solo);
        strip.map(|((&gain, &muted), &solo)| if !muted && (heard || solo) { gain } else { 0.0 }).collect()
    }

    /// The weight of `rest`: a solo silences it too.
    pub fn rest(&self) -> f64 {
        if self.any_solo() { 0.0 } else { self.now.rest }
    }

    /// How many components are muted, by hand or by a weight of 0.
    pub fn silent(&self) -> usize {
        self.weights().iter().filter(|&&weight| weight == 0.0).count()
    }

    fn change(&mut self, edit: impl FnOnce(&mut Setting)) {
        let before = self.now.clone();
        edit(&mut self.now);
        self.on = true;
        if before != self.now {
            self.past.push(before);
            self.past.drain(..self.past.len().saturating_sub(HISTORY));
            self.future.clear();
        }
    }

    /// Puts all faders where a fit has them.
    pub fn load(&mut self, weights: &[f64], rest: f64) {
        let model = Setting::model(weights.len());
        self.change(|now| *now = Setting { gains: weights.to_vec(), rest, ..model });
    }

    /// Mutes a component, or lets it speak again.
    pub fn mute(&mut self, component: usize) {
        self.change(|now| now.muted[component] = !now.muted[component]);
    }

    /// Solos a component, or ends its solo.
    pub fn solo(&mut self, component: usize) {
        self.change(|now| now.solo[component] = !now.solo[component]);
    }

    /// Moves the fader of a component by `steps` of [`STEP`]; it comes to rest on multiples of it.
    pub fn move_by(&mut self, component: usize, steps: f64) {
        let moved = self.now.gains[component] / STEP + steps;
        let stop = if steps > 0.0 { (moved + 1e-9).floor() } else { (moved - 1e-9).ceil() };
        self.change(|now| now.gains[component] = stop * STEP);
    }

    /// Turns a component's vote around.
    pub fn invert(&mut self, component: usize) {
        self.change(|now| now.gains[component] = -now.gains[component]);
    }

    /// Puts a component back where the model has it.
    pub fn reset(&mut self, component: usize) {
        self.change(|now| (now.gains[component], now.muted[component], now.solo[component]) = (1.0, false, false));
    }

    /// Puts everything back where the model has it.
    pub fn reset_all(&mut self) {
        self.change(|now| *now = Setting::model(now.gains.len()));
    }

    /// Takes the last change back; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        let before = self.past.pop();
        self.swap(before, |desk| &mut desk.future)
    }

    /// Makes the change again that was taken back; `false` if there is none.
    pub fn redo(&mut self) -> bool {
        let after = self.future.pop();
        self.swap(after, |desk| &mut desk.past)
    }

    fn swap(&mut self, other: Option<Setting>, keep: impl FnOnce(&mut Self) -> &mut Vec<Setting>) -> bool {
        let Some(other) = other else { return false };
        let replaced = std::mem::replace(&mut self.now, other);
        keep(self).push(replaced);
        self.on = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mute_and_solo_decide_who_is_heard() {
        let mut desk = Desk::new(3);
        desk.mute(1);
        assert_eq!((desk.weights(), desk.rest()), (vec![1.0, 0.0, 1.0], 1.0));
        desk.solo(2);
        assert_eq!((desk.weights(), desk.rest()), (vec![0.0, 0.0, 1.0], 0.0));
        assert_eq!((0..3).map(|c| desk.weight(c)).collect::<Vec<_>>(), desk.weights());
        desk.solo(2);
        desk.mute(1);
        assert!(desk.is_model() && desk.on);
    }

    #[test]
    fn faders_move_in_steps_and_settle_on_them() {
        let at = |desk: &Desk, gain: f64| (desk.gain(0) - gain).abs() < 1e-12;
        let mut desk = Desk::new(1);
        desk.load(&[0.61], 0.0);
        desk.move_by(0, 1.0);
        assert!(at(&desk, 0.75));
        desk.load(&[0.61], 0.0);
        desk.move_by(0, -1.0);
        assert!(at(&desk, 0.5));
        desk.move_by(0, -3.0);
        assert!(at(&desk, -0.25));
        desk.invert(0);
        assert!(at(&desk, 0.25));
    }

    #[test]
    fn every_change_can_be_taken_back_and_made_again() {
        let mut desk = Desk::new(2);
        assert!(!desk.undo());
        desk.mute(0);
        desk.load(&[0.0, 2.0], 0.0);
        desk.reset_all();
        let all = desk.now.clone();
        while desk.undo() {}
        assert!(desk.is_model());
        while desk.redo() {}
        assert_eq!(desk.now, all);
        desk.undo();
        desk.invert(1);
        assert!(!desk.redo(), "a new change forgets what was taken back");
    }

    #[test]
    fn a_change_that_changes_nothing_is_not_remembered() {
        let mut desk = Desk::new(2);
        desk.reset(0);
        assert!(!desk.undo());
    }
}
