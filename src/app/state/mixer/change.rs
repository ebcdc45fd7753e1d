//! Descriptions of changes of the mixer, for undo and redo.

use super::setting::Setting;

/// One change of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct MixChange {
    pub(super) before: Setting,
    pub(super) after: Setting,
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
