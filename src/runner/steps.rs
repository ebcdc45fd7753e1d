//! Progress of building prompts: millions of them take a while to render and tokenize.

use rayon::prelude::*;

use crate::{
    error::Result,
    progress::{Meter, Progress},
};

/// Receives the progress of building prompts, in prompts; its error ends the work.
pub type Watch<'w> = dyn FnMut(Progress) -> Result<()> + 'w;

/// Items between two reports.
const STEP: usize = 4096;

/// Several passes over the prompts of a run, as one task.
pub(super) struct Steps<'s> {
    meter: Meter,
    passes: usize,
    watch: Option<&'s mut Watch<'s>>,
}

impl<'s> Steps<'s> {
    /// Starts the clock on `passes` passes over `prompts` prompts.
    pub(super) fn new(prompts: usize, passes: usize, watch: &'s mut Watch<'_>) -> Self {
        Self { meter: Meter::start(prompts * passes), passes, watch: Some(watch) }
    }

    /// Starts steps without a watcher.
    pub(super) fn unwatched() -> Self {
        Self { meter: Meter::start(0), passes: 1, watch: None }
    }

    /// Makes something of every item, in parallel and in their order. Counts as one pass over the items.
    ///
    /// # Errors
    /// The first one, in the order of the items, and those of the watcher.
    pub(super) fn map<T: Sync, U: Send>(
        &mut self,
        items: &[T],
        make: impl Fn(&T) -> Result<U> + Sync,
    ) -> Result<Vec<U>> {
        let mut made = Vec::with_capacity(items.len());
        for step in items.chunks(STEP) {
            let parts: Vec<Result<U>> = step.par_iter().map(&make).collect();
            for part in parts {
                made.push(part?);
            }
            let Progress { done, total, rate, left } = self.meter.advance(step.len());
            let passes = self.passes;
            let progress = Progress { done: done / passes, total: total / passes, rate: rate / passes as f64, left };
            self.watch.as_mut().map_or(Ok(()), |watch| watch(progress))?;
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn two_passes_count_once() {
        let mut seen = Vec::new();
        let mut watch = |progress: Progress| {
            seen.push((progress.done, progress.total));
            Ok(())
        };
        let items: Vec<usize> = (0..STEP + 10).collect();
        let mut steps = Steps::new(items.len(), 2, &mut watch);
        let made = steps.map(&items, |item| Ok(item + 1)).unwrap();
        assert_eq!(steps.map(&made, |item| Ok(item - 1)).unwrap(), items);
        let total = STEP + 10;
        assert_eq!(seen, [(STEP / 2, total), (total / 2, total), (total / 2 + STEP / 2, total), (total, total)]);
    }

    #[test]
    fn the_first_error_counts_and_the_watcher_can_stop() {
        let items: Vec<usize> = (0..STEP * 3).collect();
        let failing = |item: &usize| match item {
            7.. => Err(Error::Write { path: format!("{item}").into(), source: std::io::Error::other("full") }),
            _ => Ok(()),
        };
        let error = Steps::unwatched().map(&items, failing).unwrap_err();
        assert!(error.to_string().contains('7'), "{error}");
        let mut calls = 0;
        let mut watch = |_| {
            calls += 1;
            Err(Error::Cancelled)
        };
        assert!(matches!(Steps::new(items.len(), 1, &mut watch).map(&items, |_| Ok(())), Err(Error::Cancelled)));
        assert_eq!(calls, 1);
    }
}
