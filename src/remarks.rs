//! What a reader of a run's results must know and would not see in the numbers.

use crate::{
    request::Bos,
    run::{AccuracyMeta, PromptMeta, RunMeta, SelectionMeta},
    text::list,
};

impl PromptMeta {
    /// Says what a reader of the results must know about the prompts: their special tokens, and repeated demonstrations;
    /// empty if there is nothing.
    pub fn remarks(&self) -> Vec<String> {
        let count = self.begin_with_bos;
        let begin = format!("{count} prompts begin with the tokenizer's special tokens");
        let special = match self.bos {
            Some(Bos::Auto) if count > 0 => {
                vec![format!("{begin}, so none were added to them; --bos always adds them")]
            }
            Some(Bos::Always) if count > 0 => vec![format!("{begin} and got them a second time, as --bos always asks")],
            _ => Vec::new(),
        };
        let repeated = self.loo.iter().filter(|loo| !loo.repeated.is_empty());
        let repeated = repeated.map(|loo| {
            let ids = list(&loo.repeated);
            format!("{ids} are demonstrations with the same text, so none of them is a leave-one-out training example")
        });
        special.into_iter().chain(repeated).collect()
    }
}

/// Says what leaked examples are, with their ids and those of the examples that they repeat.
pub(crate) fn describe_leaks(leaked: &[(String, String)]) -> String {
    format!("demonstrations or training examples word for word: {}", list_leaks(leaked))
}

/// Lists the ids of leaked examples with those of the examples that they repeat.
pub(crate) fn list_leaks(leaked: &[(String, String)]) -> String {
    const SHOWN: usize = 10;
    let shown = leaked.iter().take(SHOWN).map(|(id, twin)| format!("{id} ({twin})"));
    list(shown.chain((leaked.len() > SHOWN).then(|| format!("{} more", leaked.len() - SHOWN))))
}

impl SelectionMeta {
    /// Says what a reader of the results must know about the choice; empty if there is nothing.
    pub fn remarks(&self) -> Vec<String> {
        let (leaked, duplicates) = (self.leaked.len(), self.duplicates);
        let left_out =
            (leaked > 0).then(|| format!("{leaked} test examples left out: they are {}", describe_leaks(&self.leaked)));
        let repeated = (duplicates > 0).then(|| format!("{duplicates} test examples repeat the text of another one"));
        left_out.into_iter().chain(repeated).collect()
    }
}

impl AccuracyMeta {
    /// Says why accuracies on `test` examples may mean nothing; empty if they mean what they say.
    pub fn remarks(&self, test: usize) -> Vec<String> {
        let mut remarks = Vec::new();
        if test > 1 && self.majority >= 1.0 {
            remarks.push("all test examples have the same label: accuracies say nothing about the others".to_owned());
        }
        if self.constant {
            remarks.push("the model's label logits are the same on all test examples".to_owned());
        }
        if self.ties > 0 {
            let count = self.ties;
            remarks.push(format!("the largest logit is tied on {count} test examples; the first label counts there"));
        }
        remarks
    }
}

impl RunMeta {
    /// Says what a reader of the results must know about examples, prompts and logits; empty if there is nothing.
    pub fn remarks(&self) -> Vec<String> {
        let chosen = self.selection.iter().flat_map(SelectionMeta::remarks);
        chosen.chain(self.prompt.remarks()).chain(self.accuracy.remarks(self.examples.test)).collect()
    }
}
