//! The mixer: one channel per component and one for `rest`, each with fader, mute and solo; and undo.
//!
//! The mixer knows settings only. [`MixedLogits`](crate::analysis::MixedLogits) computes what they predict. Strips are
//! numbered like components; the one after the last is `rest`.

use crate::{analysis::Mix, attribution::Attribution};

/// Where every fader stands, `[C + 1]`, and what a fit adds to the labels, `[Y]` or nothing.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    gains: Vec<f64>,
    muted: Vec<bool>,
    solo: Vec<bool>,
    offsets: Vec<f64>,
}

impl Setting {
    fn model(components: usize) -> Self {
        let channels = components + 1;
        Self {
            gains: vec![1.0; channels],
            muted: vec![false; channels],
            solo: vec![false; channels],
            offsets: Vec::new(),
        }
    }

    fn of(mix: &Mix) -> Self {
        let gains = [&mix.weights[..], &[mix.rest]].concat();
        Self { gains, offsets: mix.offsets.clone(), ..Self::model(mix.weights.len()) }
    }
}

/// How many changes can be taken back.
const HISTORY: usize = 200;

/// How far one press moves a fader.
pub const STEP: f64 = 0.25;

/// A movement that goes on while it is held: all of it is taken back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The fader of a channel is dragged.
    Fader(usize),
    /// The strength of the penalty slides.
    Strength,
}

/// The settings of one run's mix and how they came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixer {
    now: Setting,
    past: Vec<Setting>,
    future: Vec<Setting>,
    held: Option<Held>,
    any_solo: bool,
    /// Whether the mix is heard; otherwise the model itself is.
    pub on: bool,
}

impl Mixer {
    /// All faders at one: the model itself.
    pub fn new(components: usize) -> Self {
        let now = Setting::model(components);
        Self { now, past: Vec::new(), future: Vec::new(), held: None, any_solo: false, on: false }
    }

    /// Whether every fader stands where the model has it.
    pub fn is_model(&self) -> bool {
        self.now == Setting::model(self.rest_channel())
    }

    /// The number of the channel of `rest`.
    pub const fn rest_channel(&self) -> usize {
        self.now.gains.len() - 1
    }

    /// Where the fader of a channel stands, whether or not it is heard.
    pub fn gain(&self, channel: usize) -> f64 {
        self.now.gains[channel]
    }

    /// Whether a channel is muted.
    pub fn is_muted(&self, channel: usize) -> bool {
        self.now.muted[channel]
    }

    /// Whether a channel is soloed.
    pub fn is_solo(&self, channel: usize) -> bool {
        self.now.solo[channel]
    }

    /// Whether only soloed channels are heard.
    pub const fn any_solo(&self) -> bool {
        self.any_solo
    }

    /// The weight with which a channel enters the sum.
    pub fn weight(&self, channel: usize) -> f64 {
        if self.is_silent(channel) { 0.0 } else { self.now.gains[channel] }
    }

    /// Whether a channel is muted, or others are soloed.
    fn is_silent(&self, channel: usize) -> bool {
        self.now.muted[channel] || (self.any_solo() && !self.now.solo[channel])
    }

    /// The weights with which all components enter the sum, `[C]`.
    pub fn weights(&self) -> Vec<f64> {
        let heard = !self.any_solo();
        let channels = self.now.gains.iter().zip(&self.now.muted).zip(&self.now.solo);
        let weights = channels.map(|((&gain, &muted), &solo)| if !muted && (heard || solo) { gain } else { 0.0 });
        weights.take(self.rest_channel()).collect()
    }

    /// The weight of `rest`: a solo of others silences it too.
    pub fn rest(&self) -> f64 {
        self.weight(self.rest_channel())
    }

    /// What is added to every label, `[Y]` or nothing: it goes with the channel of `rest`.
    pub fn offsets(&self) -> &[f64] {
        if self.is_silent(self.rest_channel()) { &[] } else { &self.now.offsets }
    }

    /// The mix that these settings make.
    pub fn mix(&self) -> Mix {
        Mix { weights: self.weights(), rest: self.rest(), offsets: self.offsets().to_vec() }
    }

    /// Label logits of the first example of `table` as these faders mix them, `[Y]`.
    pub fn logits(&self, table: &Attribution) -> Vec<f32> {
        self.mix().logits(table).into_iter().take(table.labels()).map(|logit| logit as f32).collect()
    }

    /// How many components are muted, by hand or by a weight of 0.
    pub fn silent(&self) -> usize {
        self.weights().iter().filter(|&&weight| weight == 0.0).count()
    }

    /// The least and the largest fader, at least from 0 to 2: the ends of what faders are drawn on, in whole steps.
    pub fn span(&self) -> (f64, f64) {
        let ends = |(low, high): (f64, f64), &gain: &f64| (low.min(gain), high.max(gain));
        let (low, high) = self.now.gains.iter().fold((0.0, 2.0), ends);
        (low.floor(), high.ceil())
    }

    fn change(&mut self, edit: impl FnOnce(&mut Setting)) {
        self.change_held(None, edit);
    }

    /// Changes the setting; a movement that is still held is remembered as one change.
    fn change_held(&mut self, held: Option<Held>, edit: impl FnOnce(&mut Setting)) {
        let before = self.now.clone();
        edit(&mut self.now);
        self.any_solo = self.now.solo.contains(&true);
        self.on = true;
        let goes_on = held.is_some() && held == self.held;
        self.held = held;
        if before != self.now && !goes_on {
            self.past.push(before);
            self.past.drain(..self.past.len().saturating_sub(HISTORY));
            self.future.clear();
        }
    }

    /// Ends the movement that is held.
    pub const fn let_go(&mut self) {
        self.held = None;
    }

    /// Puts all faders where a fit has them.
    pub fn load(&mut self, mix: &Mix) {
        self.change(|now| *now = Setting::of(mix));
    }

    /// As [`load`](Self::load), on the way along a path.
    pub fn slide(&mut self, mix: &Mix) {
        self.change_held(Some(Held::Strength), |now| *now = Setting::of(mix));
    }

    /// Mutes channels; if all of them are, lets them speak again.
    pub fn mute(&mut self, channels: &[usize]) {
        self.change(|now| switch(&mut now.muted, channels));
    }

    /// Solos channels; if all of them are, ends their solo.
    pub fn solo(&mut self, channels: &[usize]) {
        self.change(|now| switch(&mut now.solo, channels));
    }

    /// Moves the faders of channels by `steps` of [`STEP`]; each comes to rest on multiples of it.
    pub fn move_by(&mut self, channels: &[usize], steps: f64) {
        self.change(|now| {
            for &channel in channels {
                let moved = now.gains[channel] / STEP + steps;
                let stop = if steps > 0.0 { (moved + 1e-9).floor() } else { (moved - 1e-9).ceil() };
                now.gains[channel] = stop * STEP;
            }
        });
    }

    /// Drags the fader of a channel to `gain`.
    pub fn drag(&mut self, channel: usize, gain: f64) {
        self.change_held(Some(Held::Fader(channel)), |now| now.gains[channel] = gain);
    }

    /// Turns the votes of channels around.
    pub fn invert(&mut self, channels: &[usize]) {
        self.change(|now| channels.iter().for_each(|&channel| now.gains[channel] = -now.gains[channel]));
    }

    /// Puts channels back where the model has them; with that of `rest` go the offsets.
    pub fn reset(&mut self, channels: &[usize]) {
        let rest = self.rest_channel();
        self.change(|now| {
            if channels.contains(&rest) {
                now.offsets.clear();
            }
            for &channel in channels {
                (now.gains[channel], now.muted[channel], now.solo[channel]) = (1.0, false, false);
            }
        });
    }

    /// Puts everything back where the model has it.
    pub fn reset_all(&mut self) {
        let model = Setting::model(self.rest_channel());
        self.change(|now| *now = model);
    }

    /// Takes the last change back; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        let before = self.past.pop();
        self.swap(before, |mixer| &mut mixer.future)
    }

    /// Makes the change again that was taken back; `false` if there is none.
    pub fn redo(&mut self) -> bool {
        let after = self.future.pop();
        self.swap(after, |mixer| &mut mixer.past)
    }

    fn swap(&mut self, other: Option<Setting>, keep: impl FnOnce(&mut Self) -> &mut Vec<Setting>) -> bool {
        let Some(other) = other else { return false };
        let replaced = std::mem::replace(&mut self.now, other);
        keep(self).push(replaced);
        self.any_solo = self.now.solo.contains(&true);
        self.held = None;
        self.on = true;
        true
    }
}

/// Turns switches on, or off if all of them are on.
fn switch(switches: &mut [bool], channels: &[usize]) {
    let on = !channels.iter().all(|&channel| switches[channel]);
    for &channel in channels {
        switches[channel] = on;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(weights: &[f64]) -> Mix {
        Mix { weights: weights.to_vec(), rest: 0.0, offsets: Vec::new() }
    }

    #[test]
    fn offsets_go_with_rest_and_come_back_by_undo() {
        let mut mixer = Mixer::new(2);
        mixer.load(&Mix { offsets: vec![0.5, -0.5], ..mix(&[1.0, 2.0]) });
        assert_eq!(mixer.mix().offsets, [0.5, -0.5]);
        mixer.solo(&[0]);
        assert!(mixer.offsets().is_empty(), "a solo of others silences them");
        mixer.undo();
        mixer.reset(&[mixer.rest_channel()]);
        assert!(mixer.offsets().is_empty() && (mixer.gain(1) - 2.0).abs() < 1e-12);
        mixer.undo();
        assert_eq!(mixer.offsets(), [0.5, -0.5]);
        mixer.reset_all();
        assert!(mixer.is_model());
    }

    #[test]
    fn mute_and_solo_decide_who_is_heard() {
        let mut mixer = Mixer::new(3);
        mixer.mute(&[1]);
        assert_eq!((mixer.weights(), mixer.rest()), (vec![1.0, 0.0, 1.0], 1.0));
        mixer.solo(&[2]);
        assert_eq!((mixer.weights(), mixer.rest()), (vec![0.0, 0.0, 1.0], 0.0));
        assert_eq!((0..3).map(|c| mixer.weight(c)).collect::<Vec<_>>(), mixer.weights());
        mixer.solo(&[2]);
        mixer.mute(&[1]);
        assert!(mixer.is_model() && mixer.on);
    }

    #[test]
    fn one_example_is_mixed_like_a_table() {
        let table = crate::app::tests::fixture::table(1);
        let mut mixer = Mixer::new(table.shape().components());
        mixer.move_by(&[3, 40], -3.0);
        mixer.mute(&[mixer.rest_channel()]);
        let mixed = crate::analysis::MixedLogits::new(mixer.mix(), &table);
        let close = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() < 1e-5;
        assert!(mixer.logits(&table).iter().zip(mixed.logits()).all(close));
    }

    #[test]
    fn faders_move_in_steps_and_settle_on_them() {
        let at = |mixer: &Mixer, gain: f64| (mixer.gain(0) - gain).abs() < 1e-12;
        let mut mixer = Mixer::new(1);
        mixer.load(&mix(&[0.61]));
        mixer.move_by(&[0], 1.0);
        assert!(at(&mixer, 0.75));
        mixer.load(&mix(&[0.61]));
        mixer.move_by(&[0], -1.0);
        assert!(at(&mixer, 0.5));
        mixer.move_by(&[0], -3.0);
        assert!(at(&mixer, -0.25));
        mixer.invert(&[0]);
        assert!(at(&mixer, 0.25));
    }

    #[test]
    fn every_change_can_be_taken_back_and_made_again() {
        let mut mixer = Mixer::new(2);
        assert!(!mixer.undo());
        mixer.mute(&[0]);
        mixer.load(&mix(&[0.0, 2.0]));
        mixer.reset_all();
        let all = mixer.now.clone();
        while mixer.undo() {}
        assert!(mixer.is_model());
        while mixer.redo() {}
        assert_eq!(mixer.now, all);
        mixer.undo();
        mixer.invert(&[1]);
        assert!(!mixer.redo(), "a new change forgets what was taken back");
    }

    #[test]
    fn a_change_that_changes_nothing_is_not_remembered() {
        let mut mixer = Mixer::new(2);
        mixer.reset(&[0]);
        assert!(!mixer.undo());
    }

    #[test]
    fn a_selection_is_switched_as_one() {
        let mut mixer = Mixer::new(3);
        mixer.mute(&[0]);
        mixer.mute(&[0, 2]);
        assert_eq!(mixer.weights(), [0.0, 1.0, 0.0]);
        mixer.mute(&[0, 2]);
        assert!(mixer.is_model());
        mixer.solo(&[1, mixer.rest_channel()]);
        assert_eq!((mixer.weights(), mixer.rest()), (vec![0.0, 1.0, 0.0], 1.0));
        assert!(mixer.undo() && mixer.weights() == [1.0; 3] && mixer.redo());
        assert_eq!((mixer.weight(0), mixer.weight(1)), (0.0, 1.0), "a solo that comes back is heard alone again");
    }

    #[test]
    fn a_movement_that_is_held_is_taken_back_at_once() {
        let mut mixer = Mixer::new(2);
        (0..9).for_each(|step| mixer.drag(0, f64::from(step) / 10.0));
        mixer.let_go();
        mixer.drag(0, 2.5);
        mixer.slide(&mix(&[0.5, 0.5]));
        mixer.slide(&mix(&[0.25, 0.5]));
        assert_eq!(mixer.span(), (0.0, 2.0));
        assert!(mixer.undo() && (mixer.gain(0) - 2.5).abs() < 1e-12 && mixer.span() == (0.0, 3.0));
        assert!(mixer.undo() && (mixer.gain(0) - 0.8).abs() < 1e-12);
        assert!(mixer.undo() && mixer.is_model() && !mixer.undo());
    }
}
