//! Which request of each kind of work is the newest.

/// A kind of work of which a new request replaces the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Runs of a task through the model.
    Run,
    /// Fits and their paths.
    Fit,
    /// Statistics of components.
    Stats,
    /// Scores of the methods that a mix is compared with.
    Baselines,
    /// Long experiments.
    Experiment,
    /// Quick experiments.
    QuickExperiment,
}

/// Numbers requests, and knows the newest one of each kind of work: events of the others are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    last: u64,
    newest: [u64; 6],
}

impl Generations {
    /// The generation of a new request of this kind, which replaces the one before.
    pub const fn replace(&mut self, work: Work) -> u64 {
        let generation = self.assign();
        self.newest[work as usize] = generation;
        generation
    }

    /// A generation that no request has had, for a question to the model.
    pub const fn assign(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Drops the newest request of this kind: its events are not awaited any more.
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
    fn the_newest_request_of_a_kind_replaces_the_one_before() {
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
