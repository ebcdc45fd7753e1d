//! What a run, its components, labels and demonstrations are called on the screen.

use crate::{component::Component, runner::Demos, text::printable};

use super::sheet::Sheet;

impl Sheet {
    /// The component's name.
    pub fn name(&self, component: usize) -> Component {
        self.shape.component(component)
    }

    /// The model in a word: the last part of its path or hub id.
    pub fn model_name(&self) -> String {
        let id = self.model.id.trim_end_matches('/');
        printable(id.rsplit('/').next().unwrap_or(id)).into_owned()
    }

    /// Which demonstrations it has, in two words.
    pub fn demos_name(&self) -> String {
        let drawn = Demos::Balanced;
        demos_name(self.request.as_ref().map_or(&drawn, |request| &request.demos), self.prompt.demo_seed)
    }

    /// The label word as it is shown: without the space before it.
    pub fn label(&self, label: usize) -> String {
        let word = self.task.label_words.get(label).map_or("?", String::as_str);
        printable(word).trim().to_owned()
    }
}

/// Which demonstrations these are, in two words: those of a seed, or edited ones by the beginning of their hash.
pub fn demos_name(demos: &Demos, seed: u64) -> String {
    match demos {
        Demos::Listed(listed) => {
            let hash = blake3::hash(format!("{listed:?}").as_bytes()).to_hex();
            format!("edited {}", &hash[..3])
        }
        Demos::Balanced | Demos::Unbalanced => format!("demos {seed}"),
    }
}
