//! Entries of the palette: a typed text finds actions, components, quantities, runs, tasks, templates, numbers of shots
//! and examples.

use crate::{
    app::action::{Action, Section},
    jobs::ListedModel,
    text::printable,
};

use super::{
    State,
    comparison::comparable,
    metric::Metric,
    models::{about, is_too_large},
    palette::{Palette, PaletteEntry, PaletteScope},
};

/// Most examples that are listed.
const EXAMPLES: usize = 50;

/// Fewest characters that search the ids of examples.
const ID: usize = 2;

/// An entry with its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaletteRow {
    /// What it does.
    pub entry: PaletteEntry,
    /// Its name.
    pub name: String,
    /// Its description.
    pub about: String,
}

impl PaletteRow {
    fn new(entry: PaletteEntry, name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { entry, name: name.into(), about: about.into() }
    }
}

impl State {
    /// Returns the entries that contain all typed words in their name or description. Names that equal the text come
    /// first, then names that start with it, then names that contain it.
    pub fn palette_rows(&self, palette: &Palette) -> Vec<PaletteRow> {
        let text = palette.text.trim().to_lowercase();
        let mut rows = match palette.scope {
            PaletteScope::All => [
                actions(),
                self.components(&text),
                self.quantities(),
                self.open_runs(),
                self.tasks_and_templates(),
                self.shots(&text),
                self.examples(&text),
            ]
            .concat(),
            PaletteScope::Others => self.others(),
            PaletteScope::Quantities => self.quantities(),
            PaletteScope::Models => self.listed_models(),
        };
        let fits = |row: &PaletteRow| {
            let all = format!("{} {}", row.name, row.about).to_lowercase();
            text.split_whitespace().all(|word| all.contains(word))
        };
        rows.retain(fits);
        let typed = text.replace(' ', "-");
        let rank = |row: &PaletteRow| {
            let name = row.name.to_lowercase().replace(' ', "-");
            (name != typed, !name.starts_with(&typed), !name.contains(&typed))
        };
        rows.sort_by_key(rank);
        rows
    }

    /// Returns the components whose name starts with the text, once it names a layer.
    fn components(&self, text: &str) -> Vec<PaletteRow> {
        let Some(run) = self.run().filter(|_| text.len() > 1 && text.starts_with('l')) else { return Vec::new() };
        let named = run.shape.iter().enumerate().map(|(index, component)| (index, component.to_string()));
        let found = named.filter(|(_, name)| name.to_lowercase().starts_with(text));
        found.map(|(index, name)| PaletteRow::new(PaletteEntry::Component(index), name, "component")).collect()
    }

    fn quantities(&self) -> Vec<PaletteRow> {
        let known = Metric::ALL.iter().copied().filter(|metric| self.run().is_some_and(|run| metric.is_known(run)));
        let about = |metric: Metric| format!("quantity: {}", metric.about());
        known.map(|metric| PaletteRow::new(PaletteEntry::Quantity(metric), metric.title(), about(metric))).collect()
    }

    fn listed_models(&self) -> Vec<PaletteRow> {
        let row = |model: &ListedModel| {
            let warning = match () {
                () if self.models.current.as_deref() == Some(&model.name) => "open; ",
                () if is_too_large(model) => "too large now; ",
                () => "",
            };
            let about = printable(&format!("{warning}{}", about(model))).into_owned();
            PaletteRow::new(PaletteEntry::Model(model.name.clone()), printable(&model.name).into_owned(), about)
        };
        self.models.found.iter().map(row).collect()
    }

    fn open_runs(&self) -> Vec<PaletteRow> {
        let others = self.runs.iter().enumerate().filter(|(index, _)| *index != self.current);
        others.map(|(_, run)| PaletteRow::new(PaletteEntry::Run(run.id), run.short_name(), "open run")).collect()
    }

    fn others(&self) -> Vec<PaletteRow> {
        let Some(shown) = self.run() else { return Vec::new() };
        let others = self.runs.iter().filter(|run| run.id != shown.id && run.is_complete() && comparable(run, shown));
        let about = |accuracy: Option<f64>, shots: usize| {
            format!("{:.1} %, {shots} shots", accuracy.unwrap_or_default() * 100.0)
        };
        let row = |run: &super::open_run::OpenRun| {
            let about = about(run.test.tally.full_accuracy(), run.prompt.shots);
            PaletteRow::new(PaletteEntry::CompareWith(run.id), run.short_name(), about)
        };
        others.map(row).collect()
    }

    fn tasks_and_templates(&self) -> Vec<PaletteRow> {
        let Some(current) = &self.requested else { return Vec::new() };
        let name = |text: &str| printable(text).into_owned();
        let task = |choice: &super::TaskChoice| {
            PaletteRow::new(PaletteEntry::Task(choice.name.clone()), name(short_task(&choice.name)), "task")
        };
        let here = self.choices.iter().find(|choice| choice.name == current.task);
        let template = |template: &String| {
            PaletteRow::new(PaletteEntry::Template(template.clone()), name(template), "template of this task")
        };
        let templates = here.iter().flat_map(|choice| &choice.templates).map(template);
        self.choices.iter().map(task).chain(templates).collect()
    }

    /// Returns a number of shots, once the text names one.
    fn shots(&self, text: &str) -> Vec<PaletteRow> {
        let number = text.split_whitespace().find_map(|word| word.parse::<usize>().ok());
        let named = number.filter(|&shots| shots <= 1024 && self.requested.is_some());
        let row = |shots: usize| {
            let name = if shots == 1 { "1 shot".to_owned() } else { format!("{shots} shots") };
            PaletteRow::new(PaletteEntry::Shots(shots), name, format!("shots {shots}: demonstrations in the prompt"))
        };
        named.map(row).into_iter().collect()
    }

    fn examples(&self, text: &str) -> Vec<PaletteRow> {
        let Some(run) = self.run().filter(|_| text.len() >= ID) else { return Vec::new() };
        let found = run.test.items.iter().take(run.test.tally.len()).enumerate();
        let found = found.filter(|(_, item)| item.id.to_lowercase().contains(text));
        let row = |(index, item): (usize, &super::open_split::Item)| {
            PaletteRow::new(PaletteEntry::Example(index), item.id.clone(), format!("example: {}", item.text))
        };
        found.take(EXAMPLES).map(row).collect()
    }
}

/// Returns all actions; those that move the cursor, which have keys that everybody knows, come last.
fn actions() -> Vec<PaletteRow> {
    let mut named: Vec<Action> = Action::ALL.iter().copied().filter(|action| !action.is_line_edit()).collect();
    named.sort_by_key(|action| action.section() == Section::Cursor);
    named
        .into_iter()
        .map(|action| PaletteRow::new(PaletteEntry::Action(action), action.name(), action.description()))
        .collect()
}

/// Returns the name of a task without its folder and ending.
pub fn short_task(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.strip_suffix(".toml").unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::harness::Harness;

    fn find(harness: &Harness, text: &str) -> Vec<PaletteRow> {
        harness.state.palette_rows(&Palette { text: text.to_owned(), ..Palette::default() })
    }

    #[test]
    fn the_palette_searches_names_and_descriptions() {
        let harness = Harness::finished(16);
        let first = |text: &str| find(&harness, text)[0].entry.clone();
        assert_eq!(first("fit"), PaletteEntry::Action(Action::Fit));
        assert_eq!(first("reset all"), PaletteEntry::Action(Action::ResetAll));
        assert!(find(&harness, "silence").iter().any(|row| row.entry == PaletteEntry::Action(Action::Mute)));
        assert!(find(&harness, "no such thing").is_empty());
        assert!(find(&harness, "").iter().all(|row| row.entry != PaletteEntry::Action(Action::Accept)));
    }

    #[test]
    fn everything_with_a_name_is_found() {
        let harness = Harness::finished(16);
        for (text, entry) in [
            ("L6.H2", PaletteEntry::Component(6 * 9 + 2)),
            ("l6.mlp", PaletteEntry::Component(6 * 9 + 8)),
            ("label bias", PaletteEntry::Quantity(Metric::Bias)),
            ("topic", PaletteEntry::Task("topic".to_owned())),
            ("arrow", PaletteEntry::Template("arrow".to_owned())),
            ("8 shots", PaletteEntry::Shots(8)),
            ("test7", PaletteEntry::Example(7)),
        ] {
            assert_eq!(find(&harness, text)[0].entry, entry, "{text}");
        }
    }
}
