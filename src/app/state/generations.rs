//! Generations: the newest request of each kind of work.

/// A kind of work, where a new request replaces the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Runs.
    Run,
    /// Fits and their paths.
    Fit,
    /// Component statistics.
    Stats,
    /// Baseline scores.
    Baselines,
    /// Long experiments.
    Experiment,
    /// Quick experiments.
    QuickExperiment,
    /// Lists of models.
    Catalogue,
}

/// Assigns generations to requests and keeps the newest of each kind of work; events of older ones are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    last: u64,
    newest: [u64; 7],
}

impl Generations {
    /// Returns the generation of a new request, which replaces the previous one of this kind.
    pub const fn replace(&mut self, work: Work) -> u64 {
        let generation = self.assign();
        self.newest[work as usize] = generation;
        generation
    }

    /// Returns an unused generation, for a query.
    pub const fn assign(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Discards the newest request of this kind, so that its events are dropped.
    pub const fn drop_newest(&mut self, work: Work) {
        self.newest[work as usize] = 0;
    }

    /// Whether `generation` belongs to the newest request of this kind.
    pub const fn is_newest(&self, work: Work, generation: u64) -> bool {
        self.newest[work as usize] == generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_request_replaces_the_previous_one_of_its_kind() {
        let mut generations = Generations::default();
        let (fit, run, question) =
            (generations.replace(Work::Fit), generations.replace(Work::Run), generations.assign());
        let again = generations.replace(Work::Fit);
        assert!(!generations.is_newest(Work::Fit, fit) && generations.is_newest(Work::Fit, again));
        assert!(generations.is_newest(Work::Run, run) && !generations.is_newest(Work::Run, question));
        generations.drop_newest(Work::Run);
        assert!(!generations.is_newest(Work::Run, run));
    }
}
