//! Options for the choice of test examples.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::read_text;
use crate::{
    data_memory::Memory,
    error::{InputError, Result},
    runner::{OnLeak, Selection},
};

/// Which test examples are scored.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct SelectionOptions {
    /// Maximum number of test examples [default: all]: a sample with the label shares of the data; a smaller sample is
    /// part of a larger one
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Sample equal numbers of test examples per label
    #[arg(long, requires = "limit")]
    balanced: bool,
    /// Seed of the sample of test examples
    #[arg(long, value_name = "S", requires = "limit", default_value_t = 0)]
    sample_seed: u64,
    /// Test examples by their ids, one per line; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "limit")]
    ids: Option<PathBuf>,
    /// What to do about test examples that are demonstrations or training examples word for word: error, or drop (leave
    /// them out; run.json names them) [default: error; drop in the explorer]
    #[arg(long, value_name = "POLICY", value_parser = on_leak)]
    on_leak: Option<OnLeak>,
}

/// Returns the policy that `text` names.
pub(super) fn policy<P: Copy>(text: &str, known: &[(&str, P)]) -> Result<P, String> {
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, policy)| *policy);
    found.ok_or_else(|| format!("write {}", known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ")))
}

fn on_leak(text: &str) -> Result<OnLeak, String> {
    policy(text, &OnLeak::NAMES)
}

impl SelectionOptions {
    /// Returns the same options, with leaks dropped unless the user chose otherwise.
    #[must_use]
    #[cfg(feature = "tui")]
    pub(super) fn dropping_leaks(&self) -> Self {
        Self { on_leak: self.on_leak.or(Some(OnLeak::Drop)), ..self.clone() }
    }

    /// Returns how test examples are chosen and checked.
    ///
    /// # Errors
    /// If the file of ids cannot be used.
    pub(super) fn selection(&self) -> Result<Selection> {
        let ids = self.ids.as_deref().map(read_ids).transpose()?;
        let on_leak = self.on_leak.unwrap_or_default();
        Ok(Selection { seed: self.sample_seed, balanced: self.balanced, ids, on_leak })
    }
}

/// Reads ids, one per line.
fn read_ids(path: &Path) -> Result<Vec<String>> {
    let text = read_text(path)?;
    let mut memory = Memory::from_env()?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let held = |line: &str| memory.hold_line(line).map(|()| line.to_owned()).map_err(|error| error.path(path));
    let ids = lines.map(held).collect::<Result<Vec<String>, _>>()?;
    if ids.is_empty() {
        return Err(InputError::new("there are no ids").path(path).field("--ids").help("write one id per line").into());
    }
    Ok(ids)
}
