//! The file that describes a sweep.
//!
//! ```toml
//! models = ["demo", "models/gemma.gguf"]   # as for -m; paths are relative to this file
//! tasks = ["sentiment", "data/sst2.toml"]  # names or task files
//! templates = 3          # per task, with contrastive partners as in `reproduce`; or a list of names
//! seeds = 5              # demonstration sets; or a list of seeds
//! budgets = [24]         # labels per run, demonstrations included
//! shots = [4]            # demonstrations in the prompt [default: the paper's, four if labels allow]
//! limit = 200            # scored examples [default: all]
//! dev = false            # score on the development split
//! with_hidden = false    # also score methods on hidden states
//! on_overflow = "error"  # or "drop-demos", "skip"
//! dtype = "auto"         # as --dtype
//! device = "auto"        # as --device
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    disk::expand,
    error::{InputError, Result},
    protocol::CellSettings,
    request::Overflow,
    task::Library,
};

/// A described sweep.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SweepSpec {
    /// Models, as for `-m`.
    pub models: Vec<String>,
    /// Tasks by name or file.
    pub tasks: Vec<String>,
    /// Templates of every task.
    #[serde(default)]
    pub templates: Templates,
    /// Seeds of demonstration sets.
    #[serde(default)]
    pub seeds: Seeds,
    /// Label budgets, demonstrations included.
    #[serde(default = "paper_budget")]
    pub budgets: Vec<usize>,
    /// Numbers of demonstrations; none for the paper's.
    #[serde(default)]
    pub shots: Vec<usize>,
    /// What is the same in all cells.
    #[serde(flatten)]
    pub common: Common,
}

/// What is the same in all cells of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Common {
    /// Largest number of scored examples.
    pub limit: Option<usize>,
    /// Whether to score on the development split.
    pub dev: bool,
    /// Whether to score methods on hidden states.
    pub with_hidden: bool,
    /// What to do about prompts that are too long.
    pub on_overflow: Overflow,
    /// Data type of the weights, as for `--dtype`.
    pub dtype: String,
    /// Device, as for `--device`.
    pub device: String,
}

impl Default for Common {
    fn default() -> Self {
        let auto = || "auto".to_owned();
        let on_overflow = Overflow::Error;
        Self { limit: None, dev: false, with_hidden: false, on_overflow, dtype: auto(), device: auto() }
    }
}

impl Common {
    /// Returns the settings of a cell.
    pub(super) fn settings(&self, budget: usize, shots: Option<usize>) -> CellSettings {
        let Self { limit, dev, with_hidden, on_overflow, .. } = *self;
        CellSettings { budget, shots, on_dev: dev, limit, on_overflow, with_hidden }
    }
}

/// Templates of every task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Templates {
    /// This many, chosen as `reproduce` does.
    Count(usize),
    /// Those with these names, in every task.
    Names(Vec<String>),
}

impl Default for Templates {
    fn default() -> Self {
        Self::Count(3)
    }
}

/// Seeds of demonstration sets.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Seeds {
    /// This many, from 0.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

impl Default for Seeds {
    fn default() -> Self {
        Self::Count(5)
    }
}

impl Seeds {
    /// Returns the seeds.
    pub(super) fn list(&self) -> Vec<u64> {
        match self {
            Self::Count(count) => (0..*count).collect(),
            Self::List(seeds) => seeds.clone(),
        }
    }
}

fn paper_budget() -> Vec<usize> {
    vec![CellSettings::default().budget]
}

/// Keys of a sweep file, for errors.
const KEYS: &str =
    "models, tasks, templates, seeds, budgets, shots, limit, dev, with_hidden, on_overflow, dtype, device";

/// Parses the `text` of the sweep file at `path`. Models and tasks that are files beside it become absolute paths.
///
/// # Errors
/// If it is not TOML, has an unknown field or a value of the wrong type, or a list is empty or has an entry twice.
pub fn parse_spec(path: &Path, text: &str) -> Result<SweepSpec> {
    let located = |span: Option<std::ops::Range<usize>>, problem: &str| {
        let error = InputError::new(problem).path(path).help(format!("its fields are {KEYS}; see docs/clusters.md"));
        match span {
            Some(span) => error.line(text[..span.start.min(text.len())].matches('\n').count() + 1),
            None => error,
        }
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| located(error.span(), error.message()))?;
    // With flattened fields the library cannot find unknown ones.
    let known: Vec<&str> = KEYS.split(", ").collect();
    if let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(located(text.find(unknown.as_str()).map(|at| at..at), "there is no such field")
            .field(unknown)
            .into());
    }
    let mut spec: SweepSpec = toml::from_str(text).map_err(|error| located(error.span(), error.message()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for name in spec.models.iter_mut().chain(&mut spec.tasks) {
        *name = resolved(folder, name);
    }
    check_lists(&spec).map_err(|error| error.path(path))?;
    Ok(spec)
}

/// Returns the absolute path of a file or folder beside the sweep file; other names as they are.
fn resolved(folder: &Path, name: &str) -> String {
    let is_name = name == "demo" || Library.names().iter().chain(&Library.hub()).any(|known| known == name);
    let path = folder.join(expand(Path::new(name)));
    let found = if is_name { None } else { std::path::absolute(&path).ok().filter(|path| path.exists()) };
    found.and_then(|path| path.to_str().map(str::to_owned)).unwrap_or_else(|| name.to_owned())
}

fn check_lists(spec: &SweepSpec) -> Result<(), InputError> {
    fn check<T: PartialEq>(field: &str, items: &[T], may_be_empty: bool) -> Result<(), InputError> {
        if items.is_empty() && !may_be_empty {
            return Err(InputError::new("the list is empty").field(field).help("name at least one"));
        }
        if (1..items.len()).any(|at| items[..at].contains(&items[at])) {
            return Err(InputError::new("the list has an entry twice").field(field).help("remove one of them"));
        }
        Ok(())
    }
    check("models", &spec.models, false)?;
    check("tasks", &spec.tasks, false)?;
    check("budgets", &spec.budgets, false)?;
    check("shots", &spec.shots, true)?;
    check("seeds", &spec.seeds.list(), false)?;
    match &spec.templates {
        Templates::Count(0) => Err(InputError::new("the number of templates is 0").field("templates")),
        Templates::Count(_) => Ok(()),
        Templates::Names(names) => check("templates", names, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<SweepSpec> {
        parse_spec(Path::new("sweep.toml"), text)
    }

    #[test]
    fn defaults_are_the_papers() {
        let spec = parsed("models = ['demo']\ntasks = ['topic']\n").unwrap();
        assert_eq!(
            (spec.templates, spec.seeds.list().len(), spec.budgets, spec.shots),
            (Templates::Count(3), 5, vec![24], vec![])
        );
        let all = "models = ['demo']\ntasks = ['topic']\ntemplates = ['article']\nseeds = [3, 1]\nbudgets = [8, 24]\n\
                   shots = [2]\nlimit = 9\ndev = true\nwith_hidden = true\non_overflow = 'drop-demos'\ndtype = 'f32'\ndevice = 'cpu'\n";
        let spec = parsed(all).unwrap();
        assert_eq!(
            (spec.seeds.list(), spec.common.limit, spec.common.on_overflow),
            (vec![3, 1], Some(9), Overflow::DropDemos)
        );
    }

    #[test]
    fn errors_name_line_and_field() {
        let base = "models = ['demo']\ntasks = ['topic']\n";
        for (text, expected) in [
            (format!("{base}seed = 3\n"), "line 3: `seed`: there is no such field"),
            (format!("{base}limit = 'x'\n"), "sweep.toml"),
            ("models = [\n".to_owned(), "sweep.toml, line"),
            ("tasks = ['topic']\nmodels = []\n".to_owned(), "`models`: the list is empty"),
            (format!("{base}budgets = [8, 8]\n"), "`budgets`: the list has an entry twice"),
            (format!("{base}seeds = 0\n"), "`seeds`: the list is empty"),
        ] {
            let error = parsed(&text).unwrap_err();
            assert!(error.to_string().contains(expected) && error.exit_code() == 3, "{error}");
        }
    }
}
