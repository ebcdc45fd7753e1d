//! The mixer: one channel per component and one for `rest`, each with fader, mute and solo, and an undo history.
//!
//! The mixer holds settings only; [`MixedLogits`](crate::analysis::MixedLogits) computes the predictions. Channels are
//! numbered like components; the last one is `rest`.

mod change;
mod setting;

use serde::{Deserialize, Serialize};

use crate::{analysis::Mix, attribution::Attribution};

pub use change::MixChange;
use setting::Setting;

/// Maximum number of undo steps.
const HISTORY: usize = 200;

/// Change of a weight per key press.
pub const STEP: f64 = 0.25;

/// A control that is being dragged; a drag is one undo step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dragged {
    /// The fader of this channel.
    Fader(usize),
    /// The strength of the penalty.
    Strength,
}

/// The mix of one run, with its undo history.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixer {
    now: Setting,
    past: Vec<Setting>,
    future: Vec<Setting>,
    dragged: Option<Dragged>,
    any_solo: bool,
    /// Whether the mix is on; otherwise predictions are those of the model.
    pub on: bool,
}

impl Mixer {
    /// Creates a mixer with all weights at 1, which is the model.
    pub fn new(components: usize) -> Self {
        let now = Setting::model(components);
        Self { now, past: Vec::new(), future: Vec::new(), dragged: None, any_solo: false, on: false }
    }

    /// Whether the settings are those of the model.
    pub fn is_model(&self) -> bool {
        self.now.is_model()
    }

    /// Returns where the weights came from in words, and whether they were edited by hand since; `None` for the model
    /// and for weights set by hand alone.
    pub fn origin(&self) -> Option<(&str, bool)> {
        let origin = self.now.origin.as_ref().filter(|_| !self.is_model());
        origin.map(|origin| (origin.what.as_str(), origin.edited))
    }

    /// Returns the channel of `rest`.
    pub const fn rest_channel(&self) -> usize {
        self.now.gains.len() - 1
    }

    /// Returns the fader position of a channel, whether or not it is muted.
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

    /// Whether any channel is soloed.
    pub const fn any_solo(&self) -> bool {
        self.any_solo
    }

    /// Returns the weight of a channel in the sum; 0 if it is silent.
    pub fn weight(&self, channel: usize) -> f64 {
        if self.is_silent(channel) { 0.0 } else { self.now.gains[channel] }
    }

    /// Whether a channel is muted, or only others are soloed.
    fn is_silent(&self, channel: usize) -> bool {
        self.now.muted[channel] || (self.any_solo() && !self.now.solo[channel])
    }

    /// Returns the weights of all components in the sum, `[C]`.
    pub fn weights(&self) -> Vec<f64> {
        let no_solo = !self.any_solo();
        let channels = self.now.gains.iter().zip(&self.now.muted).zip(&self.now.solo);
        let weights = channels.map(|((&gain, &muted), &solo)| if !muted && (no_solo || solo) { gain } else { 0.0 });
        weights.take(self.rest_channel()).collect()
    }

    /// Returns the weight of `rest`; soloing other channels silences it too.
    pub fn rest(&self) -> f64 {
        self.weight(self.rest_channel())
    }

    /// Returns the label offsets, `[Y]`; empty if there are none or `rest` is silent.
    pub fn offsets(&self) -> &[f64] {
        if self.is_silent(self.rest_channel()) { &[] } else { &self.now.offsets }
    }

    /// Returns the mix of these settings.
    pub fn mix(&self) -> Mix {
        Mix { weights: self.weights(), rest: self.rest(), offsets: self.offsets().to_vec() }
    }

    /// Computes the label logits of the first example of `table` under these settings, `[Y]`.
    pub fn logits(&self, table: &Attribution) -> Vec<f32> {
        self.mix().logits(table).into_iter().take(table.labels()).map(|logit| logit as f32).collect()
    }

    /// Returns the number of components with weight 0, muted ones included.
    pub fn silent(&self) -> usize {
        self.weights().iter().filter(|&&weight| weight == 0.0).count()
    }

    /// Returns the lowest and highest fader position as whole numbers, at least 0 and 2: the ends of the fader scale.
    pub fn span(&self) -> (f64, f64) {
        let ends = |(low, high): (f64, f64), &gain: &f64| (low.min(gain), high.max(gain));
        let (low, high) = self.now.gains.iter().fold((0.0, 2.0), ends);
        (low.floor(), high.ceil())
    }

    fn change(&mut self, edit: impl FnOnce(&mut Setting)) {
        self.change_dragged(None, edit);
    }

    /// Changes the settings; a drag in progress is one undo step.
    fn change_dragged(&mut self, dragged: Option<Dragged>, edit: impl FnOnce(&mut Setting)) {
        let before = self.now.clone();
        edit(&mut self.now);
        if let (true, Some(origin)) = (self.now != before && self.now.origin == before.origin, &mut self.now.origin) {
            origin.edited = true;
        }
        self.any_solo = self.now.solo.contains(&true);
        self.on = true;
        let continues = dragged.is_some() && dragged == self.dragged;
        self.dragged = dragged;
        if before != self.now && !continues {
            self.past.push(before);
            self.past.drain(..self.past.len().saturating_sub(HISTORY));
            self.future.clear();
        }
    }

    /// Ends the drag.
    pub const fn end_drag(&mut self) {
        self.dragged = None;
    }

    /// Loads the weights of a mix; `what` says where it comes from: `fit by partscope`.
    pub fn load(&mut self, mix: &Mix, what: &str) {
        self.change(|now| *now = Setting::from_mix(mix, what));
    }

    /// Same as [`load`](Self::load), while sliding along a path.
    pub fn slide(&mut self, mix: &Mix, what: &str) {
        self.change_dragged(Some(Dragged::Strength), |now| *now = Setting::from_mix(mix, what));
    }

    /// Mutes channels; if all of them are muted, unmutes them.
    pub fn mute(&mut self, channels: &[usize]) {
        self.change(|now| switch(&mut now.muted, channels));
    }

    /// Solos channels; if all of them are soloed, ends the solo.
    pub fn solo(&mut self, channels: &[usize]) {
        self.change(|now| switch(&mut now.solo, channels));
    }

    /// Moves the faders of channels by `steps` of [`STEP`], to multiples of it.
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
        self.change_dragged(Some(Dragged::Fader(channel)), |now| now.gains[channel] = gain);
    }

    /// Negates the weights of channels.
    pub fn invert(&mut self, channels: &[usize]) {
        self.change(|now| channels.iter().for_each(|&channel| now.gains[channel] = -now.gains[channel]));
    }

    /// Resets channels to those of the model; resetting `rest` also clears the label offsets.
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

    /// Resets everything to the model.
    pub fn reset_all(&mut self) {
        let model = Setting::model(self.rest_channel());
        self.change(|now| *now = model);
    }

    /// Undoes the last change and returns it; `None` if there is none.
    pub fn undo(&mut self) -> Option<MixChange> {
        let before = self.past.pop()?;
        let after = self.replace(before);
        self.future.push(after.clone());
        Some(MixChange { before: self.now.clone(), after })
    }

    /// Redoes the last undone change and returns it; `None` if there is none.
    pub fn redo(&mut self) -> Option<MixChange> {
        let after = self.future.pop()?;
        let before = self.replace(after);
        self.past.push(before.clone());
        Some(MixChange { before, after: self.now.clone() })
    }

    /// Replaces the settings and returns the previous ones.
    fn replace(&mut self, other: Setting) -> Setting {
        let replaced = std::mem::replace(&mut self.now, other);
        self.any_solo = self.now.solo.contains(&true);
        self.dragged = None;
        self.on = true;
        replaced
    }

    /// Returns the settings to store between sessions; `None` if they are those of the model.
    pub fn saved(&self) -> Option<SavedMixer> {
        (!self.is_model()).then(|| SavedMixer { on: self.on, setting: self.now.clone() })
    }
}

/// Settings of a mixer as stored between sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedMixer {
    on: bool,
    #[serde(flatten)]
    setting: Setting,
}

impl SavedMixer {
    /// Returns a mixer with these settings; `None` if their lists differ in length or hold no finite numbers. The model
    /// is one undo step away.
    pub fn mixer(self) -> Option<Mixer> {
        let Self { on, setting } = self;
        let channels = setting.gains.len();
        let fits = channels > 1 && setting.muted.len() == channels && setting.solo.len() == channels;
        let mut numbers = setting.gains.iter().chain(&setting.offsets);
        if !fits || !numbers.all(|number| number.is_finite()) {
            return None;
        }
        let mut mixer = Mixer::new(channels - 1);
        mixer.change(|now| *now = setting);
        mixer.on = on;
        Some(mixer)
    }
}

/// Turns the switches of `channels` on, or off if all of them are on.
fn switch(switches: &mut [bool], channels: &[usize]) {
    let on = !channels.iter().all(|&channel| switches[channel]);
    for &channel in channels {
        switches[channel] = on;
    }
}

#[cfg(test)]
mod tests;
