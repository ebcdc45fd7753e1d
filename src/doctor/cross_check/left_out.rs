//! Stands for the comparison in a build without candle-transformers.

use super::report::CrossCheck;
use crate::{
    doctor::steps::Observer,
    error::{InputError, Result},
    model::{Files, LoadOptions, Model, Source},
};

/// Has no values: preparing one fails.
pub(in crate::doctor) enum Comparison {}

impl Comparison {
    pub(in crate::doctor) fn prepare(_: &Source, _: &Files, _: &LoadOptions) -> Result<Self> {
        let problem = "this program was built without candle-transformers";
        let help = "build it with its default features, or use --reference";
        Err(InputError::new(problem).field("--cross-check").help(help).into())
    }

    pub(in crate::doctor) fn keep(&mut self, _: &Model, _: &mut Observer<'_>) -> Result<()> {
        match *self {}
    }

    pub(in crate::doctor) fn finish(self, _: &Source, _: &LoadOptions, _: &mut Observer<'_>) -> Result<CrossCheck> {
        match self {}
    }
}
