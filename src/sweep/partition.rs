//! Parts of a sweep for one process.

use std::str::FromStr;

use super::manifest::SweepCell;
use crate::error::{Error, InputError, Result};

/// What may be written, for errors.
const FORMS: &str = "write slice:i/n, hash:i/n or cost:i/n with i from 0 to n - 1, or slurm";

/// How cells are divided among parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Division {
    /// Equal numbers of consecutive cells.
    Slice,
    /// By the id of the cell.
    Hash,
    /// Consecutive cells of equal estimated cost.
    Cost,
}

/// One of several parts of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    division: Division,
    index: u64,
    count: u64,
}

impl Partition {
    /// Returns the partition that has all cells.
    pub const fn whole() -> Self {
        Self { division: Division::Slice, index: 0, count: 1 }
    }

    /// Parses `slice:i/n`, `hash:i/n` or `cost:i/n`, with `i` from 0; or `slurm`, which is `cost:i/n` for the task of a
    /// Slurm array (`slurm:slice` and `slurm:hash` for the others). `variable` reads the environment.
    ///
    /// # Errors
    /// If it has another form, `i` is not below `n`, or Slurm's variables are missing or name no regular array.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let wrong = |problem: String, help: &str| Error::from(InputError::new(problem).field("--partition").help(help));
        let (name, part) = text.split_once(':').unwrap_or((text, ""));
        if name == "slurm" {
            let division = if part.is_empty() {
                Division::Cost
            } else {
                part.parse().map_err(|()| wrong(format!("`{text}` is no partition"), FORMS))?
            };
            let (index, count) = slurm(variable).map_err(|(problem, help)| wrong(problem, help))?;
            return Ok(Self { division, index, count });
        }
        let numbers = part.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (Ok(division), Some((index, count))) = (name.parse(), numbers) else {
            return Err(wrong(format!("`{text}` is no partition"), FORMS));
        };
        if index >= count {
            let problem = format!("part {index} of {count} is out of range");
            return Err(wrong(problem, "parts are counted from 0: the last of n is n - 1"));
        }
        Ok(Self { division, index, count })
    }

    /// Returns the indices of its cells, in order.
    pub fn cells(&self, cells: &[SweepCell]) -> Vec<usize> {
        let Self { division, index, count } = *self;
        let total: f64 = cells.iter().map(|cell| cell.cost).sum();
        let mut before = 0.0;
        let mut part_of = |at: usize, cell: &SweepCell| match division {
            Division::Slice => (at as u128 * u128::from(count) / cells.len() as u128) as u64,
            Division::Hash => u64::from_str_radix(&cell.id, 16).unwrap_or(0) % count,
            Division::Cost => {
                // The part in which the middle of the cell lies, on a line as long as all cells together.
                let middle = before + cell.cost / 2.0;
                before += cell.cost;
                ((middle / total * count as f64) as u64).min(count - 1)
            }
        };
        let parts = cells.iter().enumerate().map(|(at, cell)| (at, part_of(at, cell))).collect::<Vec<_>>();
        parts.into_iter().filter(|(_, part)| *part == index).map(|(at, _)| at).collect()
    }
}

impl FromStr for Division {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "slice" => Ok(Self::Slice),
            "hash" => Ok(Self::Hash),
            "cost" => Ok(Self::Cost),
            _ => Err(()),
        }
    }
}

/// Returns the index of this task in a Slurm array and the number of its tasks.
fn slurm(variable: &dyn Fn(&str) -> Option<String>) -> Result<(u64, u64), (String, &'static str)> {
    let number = |name: &str| {
        let value = variable(name).ok_or_else(|| {
            (format!("{name} is not set"), "call it in a job array, e.g. `sbatch --array=0-9`, or give slice:i/n")
        })?;
        let parsed: Result<u64, _> = value.trim().parse();
        parsed.map_err(|_| (format!("{name} is `{value}`, not a number"), "give slice:i/n instead"))
    };
    let (id, count) = (number("SLURM_ARRAY_TASK_ID")?, number("SLURM_ARRAY_TASK_COUNT")?);
    let first = variable("SLURM_ARRAY_TASK_MIN").map_or(Ok(0), |_| number("SLURM_ARRAY_TASK_MIN"))?;
    let last = variable("SLURM_ARRAY_TASK_MAX")
        .map_or(Ok(first + count.saturating_sub(1)), |_| number("SLURM_ARRAY_TASK_MAX"))?;
    let step = variable("SLURM_ARRAY_TASK_STEP").map_or(Ok(1), |_| number("SLURM_ARRAY_TASK_STEP"))?.max(1);
    let is_regular =
        last >= first && (last - first) / step + 1 == count && (first..=last).contains(&id) && (id - first) % step == 0;
    if !is_regular {
        let problem = format!("task {id} is not one of {count} tasks {first}-{last}:{step}");
        return Err((problem, "number the tasks of the array without gaps, e.g. `sbatch --array=0-9`"));
    }
    Ok(((id - first) / step, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(costs: &[f64]) -> Vec<SweepCell> {
        let cell = |(at, cost): (usize, &f64)| SweepCell {
            id: blake3::hash(&[at as u8]).to_hex()[..16].to_owned(),
            model: 0,
            task: 0,
            template: String::new(),
            seed: at as u64,
            budget: 24,
            shots: None,
            counted: true,
            cost: *cost,
        };
        costs.iter().enumerate().map(cell).collect()
    }

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Partition> {
        let find = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Partition::parse(text, &find)
    }

    #[test]
    fn parts_are_disjoint_and_complete() {
        for size in [0, 1, 2, 7, 100] {
            let costs: Vec<f64> = (0..size).map(|at| f64::from(at % 5) * f64::from(at % 3)).collect();
            let cells = cells(&costs);
            for division in ["slice", "hash", "cost"] {
                for count in [1, 2, 3, 8, 150] {
                    let part = |index| parse(&format!("{division}:{index}/{count}"), &[]).unwrap().cells(&cells);
                    let mut all: Vec<usize> = (0..count).flat_map(part).collect();
                    all.sort_unstable();
                    assert!(all.iter().copied().eq(0..cells.len()), "{division} {count} {size}");
                }
            }
        }
    }

    #[test]
    fn the_number_of_parts_may_be_any() {
        let cells = cells(&[1.0; 5]);
        let first = |division: &str| parse(&format!("{division}:0/{}", u64::MAX), &[]).unwrap().cells(&cells);
        assert_eq!(first("slice"), [0]);
        assert!(first("hash").is_empty() && first("cost").is_empty());
    }

    #[test]
    fn costs_are_balanced_and_cells_stay_together() {
        let cells = cells(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 6.0, 6.0]);
        let parts = [0, 1, 2].map(|index| parse(&format!("cost:{index}/3"), &[]).unwrap().cells(&cells));
        assert_eq!(parts, [vec![0, 1, 2, 3, 4, 5], vec![6], vec![7]]);
    }

    #[test]
    fn bad_partitions_are_refused() {
        for (text, expected) in [
            ("slice:3/3", "part 3 of 3 is out of range"),
            ("slice:0/0", "out of range"),
            ("cost:-1/3", "`cost:-1/3` is no partition"),
            ("slice", "is no partition"),
            ("third:0/3", "is no partition"),
            ("slurm", "SLURM_ARRAY_TASK_ID is not set"),
        ] {
            let error = parse(text, &[]).unwrap_err();
            assert!(error.to_string().contains(expected) && error.exit_code() == 3, "{error}");
        }
    }

    #[test]
    fn tasks_of_a_slurm_array_are_parts() {
        let array = |id, more: &[(&str, &str)]| {
            let base = [("SLURM_ARRAY_TASK_ID", id), ("SLURM_ARRAY_TASK_COUNT", "4")];
            parse("slurm", &[&base[..], more].concat()).map(|part| (part.index, part.count))
        };
        assert_eq!(array("3", &[]).unwrap(), (3, 4));
        let from_one = [("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_MAX", "4"), ("SLURM_ARRAY_TASK_STEP", "1")];
        assert_eq!(array("4", &from_one).unwrap(), (3, 4));
        let by_ten = [("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_MAX", "30"), ("SLURM_ARRAY_TASK_STEP", "10")];
        assert_eq!(array("20", &by_ten).unwrap(), (2, 4));
        let gaps = [("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_MAX", "9")];
        assert!(array("9", &gaps).unwrap_err().to_string().contains("without gaps"));
        let hash = [("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        assert_eq!(parse("slurm:hash", &hash).unwrap().division, Division::Hash);
    }
}
