//! Writes results for a planned sweep without running a model, to measure `sweep status` and `sweep merge`:
//! `cargo run --release --example simulate_sweep -- DIR [SHARE]`.
//!
//! One cell of the sweep in DIR must have been computed. Its result is the pattern: the others get its methods and
//! components with random hits. SHARE of the cells get one, all by default. tools/simulate_sweep.sh does the whole.

use std::path::Path;

use partscope::{
    Error, Result,
    analysis::Hits,
    error::InputError,
    protocol::ComponentHits,
    random::SeededRng,
    sweep::{CellResult, SweepCell, SweepFolder},
};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, share) = match args.as_slice() {
        [folder] => (folder, 1.0),
        [folder, share] => (folder, share.parse().unwrap_or(1.0)),
        _ => return Err(Error::from(InputError::new("give the folder of a sweep"))),
    };
    let sweep = SweepFolder::open(Path::new(folder))?;
    let mut pattern = None;
    for cell in &sweep.manifest.cells {
        pattern = sweep.result(cell)?;
        if pattern.is_some() {
            break;
        }
    }
    let Some(pattern) = pattern else {
        return Err(InputError::new("no cell has a result").help("compute one: `partscope sweep run`").into());
    };
    let mut random = SeededRng::new(0);
    for (index, cell) in sweep.manifest.cells.iter().enumerate() {
        if random.unit() < share && !sweep.is_done(cell) {
            sweep.record(cell, &simulated(&pattern, cell, &sweep.manifest.tasks[cell.task].name, index as u64))?;
        }
    }
    Ok(())
}

/// Returns the pattern as a result of `cell`, with random hits.
fn simulated(pattern: &CellResult, cell: &SweepCell, task: &str, index: u64) -> CellResult {
    let mut random = SeededRng::stream(1, index);
    let mut result = pattern.clone();
    let row = &mut result.row;
    (row.task, row.template) = (task.to_owned(), cell.template.clone());
    (row.demo_seed, row.counted) = (cell.seed, cell.counted);
    for (method, hits) in &mut row.details.hits {
        let chance = 0.4 + 0.5 * random.unit();
        *hits = (0..hits.len()).map(|_| random.unit() < chance).collect::<Hits>();
        row.accuracy.insert(*method, hits.mean());
    }
    for values in [&mut row.measures.macro_f1, &mut row.measures.ece, &mut row.measures.nll, &mut row.measures.share_sd]
    {
        values.values_mut().flatten().for_each(|value| *value = random.unit());
    }
    let details = &mut row.details;
    for components in std::iter::once(&mut details.components).chain(&mut details.component_halves) {
        let ComponentHits { examples, hits } = components;
        for hits in hits {
            *hits = random.below(*examples as usize + 1) as u32;
        }
    }
    result
}
