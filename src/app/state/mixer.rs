//! The mixer: one channel per component and one for `rest`, each with fader, mute and solo, and an undo history.
//!
//! The mixer holds settings only; [`MixedLogits`](crate::analysis::MixedLogits) computes the predictions. Channels are
//! numbered like components; the last one is `rest`.

use serde::{Deserialize, Serialize};

use crate::{analysis::Mix, attribution::Attribution};

/// Settings of all channels, `[C + 1]`, and label offsets of a fit, `[Y]` or empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Setting {
    gains: Vec<f64>,
    muted: Vec<bool>,
    solo: Vec<bool>,
    offsets: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

/// Where weights came from, before edits by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    /// In words: `fit by partscope`.
    what: String,
    /// Whether they were edited since.
    edited: bool,
}

impl Setting {
    fn model(components: usize) -> Self {
        let channels = components + 1;
        Self {
            gains: vec![1.0; channels],
            muted: vec![false; channels],
            solo: vec![false; channels],
            offsets: Vec::new(),
            origin: None,
        }
    }

    fn from_mix(mix: &Mix, what: &str) -> Self {
        let gains = [&mix.weights[..], &[mix.rest]].concat();
        let origin = Some(Origin { what: what.to_owned(), edited: false });
        Self { gains, offsets: mix.offsets.clone(), origin, ..Self::model(mix.weights.len()) }
    }

    /// Whether all weights are those of the model.
    fn is_model(&self) -> bool {
        Self { origin: None, ..self.clone() } == Self::model(self.gains.len() - 1)
    }
}

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

/// One change of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct MixChange {
    before: Setting,
    after: Setting,
}

impl MixChange {
    /// Describes the change: `mute of L6.H2`, `weight of L0.H1 from 1 to 0.75`, `fit by partscope`, `weights of 73
    /// channels`. `name` names a channel.
    pub fn describe(&self, name: impl Fn(usize) -> String) -> String {
        let (before, after) = (&self.before, &self.after);
        if let Some(loaded) = after.origin.as_ref().filter(|origin| !origin.edited && before.origin != after.origin) {
            return loaded.what.clone();
        }
        let differs = |&c: &usize| {
            (before.gains[c], before.muted[c], before.solo[c]) != (after.gains[c], after.muted[c], after.solo[c])
        };
        let changed: Vec<usize> = (0..after.gains.len()).filter(differs).collect();
        if after.is_model() && changed.len() > 1 {
            return format!("reset of {} channels", changed.len());
        }
        let &[channel] = &changed[..] else {
            return if changed.is_empty() { "label offsets".to_owned() } else { listed(before, after, &changed, name) };
        };
        let name = name(channel);
        match (before.muted[channel], after.muted[channel], before.solo[channel], after.solo[channel]) {
            (false, true, ..) => format!("mute of {name}"),
            (true, false, ..) => format!("unmute of {name}"),
            (.., false, true) => format!("solo of {name}"),
            (.., true, false) => format!("end of the solo of {name}"),
            _ => format!("weight of {name} from {} to {}", before.gains[channel], after.gains[channel]),
        }
    }
}

/// Describes a change of several channels, which are named if they are few.
fn listed(before: &Setting, after: &Setting, changed: &[usize], name: impl Fn(usize) -> String) -> String {
    let what = match () {
        () if before.gains != after.gains => "weights",
        () if before.muted != after.muted => "mute",
        () => "solo",
    };
    match changed {
        few if few.len() <= 4 => {
            let names: Vec<String> = few.iter().map(|&channel| name(channel)).collect();
            format!("{what} of {}", names.join(", "))
        }
        many => format!("{what} of {} channels", many.len()),
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
mod tests {
    use super::*;

    fn mix(weights: &[f64]) -> Mix {
        Mix { weights: weights.to_vec(), rest: 0.0, offsets: Vec::new() }
    }

    #[test]
    fn offsets_follow_rest_and_are_restored_by_undo() {
        let mut mixer = Mixer::new(2);
        mixer.load(&Mix { offsets: vec![0.5, -0.5], ..mix(&[1.0, 2.0]) }, "fit");
        assert_eq!(mixer.mix().offsets, [0.5, -0.5]);
        mixer.solo(&[0]);
        assert!(mixer.offsets().is_empty(), "soloing another channel silences them");
        mixer.undo();
        mixer.reset(&[mixer.rest_channel()]);
        assert!(mixer.offsets().is_empty() && (mixer.gain(1) - 2.0).abs() < 1e-12);
        mixer.undo();
        assert_eq!(mixer.offsets(), [0.5, -0.5]);
        mixer.reset_all();
        assert!(mixer.is_model());
    }

    #[test]
    fn mute_and_solo_set_weights_to_zero() {
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
    fn one_example_is_mixed_like_a_whole_table() {
        let table = crate::app::tests::fixture::table(1);
        let mut mixer = Mixer::new(table.shape().components());
        mixer.move_by(&[3, 40], -3.0);
        mixer.mute(&[mixer.rest_channel()]);
        let mixed = crate::analysis::MixedLogits::new(mixer.mix(), &table);
        let close = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() < 1e-5;
        assert!(mixer.logits(&table).iter().zip(mixed.logits()).all(close));
    }

    #[test]
    fn faders_move_to_multiples_of_a_step() {
        let at = |mixer: &Mixer, gain: f64| (mixer.gain(0) - gain).abs() < 1e-12;
        let mut mixer = Mixer::new(1);
        mixer.load(&mix(&[0.61]), "fit");
        mixer.move_by(&[0], 1.0);
        assert!(at(&mixer, 0.75));
        mixer.load(&mix(&[0.61]), "fit");
        mixer.move_by(&[0], -1.0);
        assert!(at(&mixer, 0.5));
        mixer.move_by(&[0], -3.0);
        assert!(at(&mixer, -0.25));
        mixer.invert(&[0]);
        assert!(at(&mixer, 0.25));
    }

    #[test]
    fn every_change_can_be_undone_and_redone() {
        let mut mixer = Mixer::new(2);
        assert!(mixer.undo().is_none());
        mixer.mute(&[0]);
        mixer.load(&mix(&[0.0, 2.0]), "fit");
        mixer.reset_all();
        let all = mixer.now.clone();
        while mixer.undo().is_some() {}
        assert!(mixer.is_model());
        while mixer.redo().is_some() {}
        assert_eq!(mixer.now, all);
        mixer.undo();
        mixer.invert(&[1]);
        assert!(mixer.redo().is_none(), "a new change clears the redo history");
    }

    #[test]
    fn a_change_without_effect_is_not_an_undo_step() {
        let mut mixer = Mixer::new(2);
        mixer.reset(&[0]);
        assert!(mixer.undo().is_none());
    }

    #[test]
    fn several_channels_are_switched_together() {
        let mut mixer = Mixer::new(3);
        mixer.mute(&[0]);
        mixer.mute(&[0, 2]);
        assert_eq!(mixer.weights(), [0.0, 1.0, 0.0]);
        mixer.mute(&[0, 2]);
        assert!(mixer.is_model());
        mixer.solo(&[1, mixer.rest_channel()]);
        assert_eq!((mixer.weights(), mixer.rest()), (vec![0.0, 1.0, 0.0], 1.0));
        assert!(mixer.undo().is_some() && mixer.weights() == [1.0; 3] && mixer.redo().is_some());
        assert_eq!((mixer.weight(0), mixer.weight(1)), (0.0, 1.0), "redo restores the solo");
    }

    #[test]
    fn a_drag_is_one_undo_step() {
        let mut mixer = Mixer::new(2);
        (0..9).for_each(|step| mixer.drag(0, f64::from(step) / 10.0));
        mixer.end_drag();
        mixer.drag(0, 2.5);
        mixer.slide(&mix(&[0.5, 0.5]), "fit, λ 1");
        mixer.slide(&mix(&[0.25, 0.5]), "fit, λ 2");
        assert_eq!(mixer.span(), (0.0, 2.0));
        assert!(mixer.undo().is_some() && (mixer.gain(0) - 2.5).abs() < 1e-12 && mixer.span() == (0.0, 3.0));
        assert!(mixer.undo().is_some() && (mixer.gain(0) - 0.8).abs() < 1e-12);
        assert!(mixer.undo().is_some() && mixer.is_model() && mixer.undo().is_none());
    }

    #[test]
    fn changes_say_what_they_changed() {
        let mut mixer = Mixer::new(3);
        let name = |channel: usize| format!("C{channel}");
        mixer.mute(&[1]);
        assert_eq!(mixer.undo().unwrap().describe(name), "mute of C1");
        assert_eq!(mixer.redo().unwrap().describe(name), "mute of C1");
        mixer.mute(&[1]);
        assert_eq!(mixer.undo().unwrap().describe(name), "unmute of C1");
        mixer.move_by(&[0], -1.0);
        assert_eq!(mixer.undo().unwrap().describe(name), "weight of C0 from 1 to 0.75");
        mixer.solo(&[0, 2]);
        assert_eq!(mixer.undo().unwrap().describe(name), "solo of C0, C2");
        mixer.load(&mix(&[0.0, 2.0, 0.5]), "fit by partscope");
        mixer.reset_all();
        assert_eq!(mixer.undo().unwrap().describe(name), "reset of 4 channels");
        assert_eq!(mixer.undo().unwrap().describe(name), "fit by partscope");
    }

    /// A fit that is undone is not what the weights came from, and one that is redone is.
    #[test]
    fn weights_keep_where_they_came_from() {
        let mut mixer = Mixer::new(3);
        assert_eq!(mixer.origin(), None);
        mixer.load(&mix(&[0.0, 2.0, 0.5]), "mix of demos 0");
        mixer.load(&mix(&[0.5, 2.0, 0.5]), "fit by partscope");
        mixer.mute(&[1]);
        assert_eq!(mixer.origin(), Some(("fit by partscope", true)));
        mixer.undo();
        assert_eq!(mixer.origin(), Some(("fit by partscope", false)));
        assert_eq!(mixer.undo().unwrap().describe(|_| String::new()), "fit by partscope");
        assert_eq!(mixer.origin(), Some(("mix of demos 0", false)));
        let saved = serde_json::to_string(&mixer.saved().unwrap()).unwrap();
        let again = serde_json::from_str::<SavedMixer>(&saved).unwrap().mixer().unwrap();
        assert_eq!(again.origin(), mixer.origin());
        mixer.redo();
        assert_eq!(mixer.origin(), Some(("fit by partscope", false)));
        mixer.reset_all();
        mixer.move_by(&[0], 1.0);
        assert_eq!(mixer.origin(), None);
    }

    #[test]
    fn settings_return_in_the_next_session_if_they_are_whole() {
        let mut mixer = Mixer::new(2);
        assert!(mixer.saved().is_none());
        mixer.load(&Mix { offsets: vec![0.5, -0.5], ..mix(&[0.25, 2.0]) }, "fit");
        mixer.solo(&[0]);
        mixer.on = false;
        let text = serde_json::to_string(&mixer.saved().unwrap()).unwrap();
        let mut again = serde_json::from_str::<SavedMixer>(&text).unwrap().mixer().unwrap();
        assert_eq!((again.mix(), again.on, again.any_solo()), (mixer.mix(), false, true));
        assert!(again.undo().is_some() && again.is_model());
        for broken in [text.replace("0.25,", ""), text.replace("[true,", "["), text.replace("0.25", "1e999")] {
            assert!(serde_json::from_str::<SavedMixer>(&broken).ok().and_then(SavedMixer::mixer).is_none(), "{broken}");
        }
    }
}
