//! Tests of the mixer.

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
