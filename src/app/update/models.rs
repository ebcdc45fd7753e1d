//! Opening another model from inside.

use crate::{
    app::{
        effect::Effect,
        state::{
            Overlay, Phase, Severity, State,
            generations::Work,
            palette::{Palette, PaletteScope},
        },
    },
    jobs::{CatalogueEvent, CatalogueRequest},
    text::printable,
};

use super::requests;

/// Opens the list of models and searches for them again.
pub(super) fn list(state: &mut State) -> Vec<Effect> {
    if state.models.current.is_none() {
        state.notify(Severity::Plain, "only saved runs are open: start partscope with a model to change it");
        return Vec::new();
    }
    state.overlay = Some(Overlay::Palette(Palette::of(PaletteScope::Models)));
    state.models.found.clear();
    state.models.is_searching = true;
    let request = CatalogueRequest { recent: state.models.recent.clone() };
    vec![Effect::ListModels { generation: state.generations.replace(Work::Catalogue), request }]
}

/// Handles an event of the search.
pub(super) fn on_event(state: &mut State, event: CatalogueEvent) {
    match event {
        CatalogueEvent::Found(model) => state.models.found.push(model),
        CatalogueEvent::Done => state.models.is_searching = false,
        CatalogueEvent::Failed(why) => {
            state.models.is_searching = false;
            state.notify(Severity::Bad, printable(&why).into_owned());
        }
    }
}

/// Opens a model and runs the current request on it. Runs of other models stay open.
pub(super) fn open(state: &mut State, name: &str) -> Vec<Effect> {
    let listed = state.models.found.iter().find(|model| model.name == name);
    if let Some(why) = listed.and_then(|model| model.facts.as_ref().err().cloned()) {
        state.notify(Severity::Bad, printable(&why).into_owned());
        return Vec::new();
    }
    if state.models.current.as_deref() == Some(name) {
        state.notify(Severity::Plain, "this is the session's model");
        return Vec::new();
    }
    let Some(request) = state.requested.clone() else { return Vec::new() };
    state.models.choose(name);
    state.model_hash = Some(String::new());
    state.phase = Phase::Idle;
    let mut effects = vec![Effect::OpenModel(name.to_owned())];
    effects.extend(requests::start(state, request));
    effects
}

#[cfg(test)]
mod tests {
    use crate::{
        app::{Effect, Message, press, tests::harness::Harness},
        jobs::{CatalogueEvent, ListedModel, Tagged},
        model::catalogue::ModelFacts,
    };

    fn listed(name: &str) -> ListedModel {
        let facts = ModelFacts {
            family: "gemma3".to_owned(),
            parameters: 268_000_000,
            stored_as: "q8_0".to_owned(),
            need: Some(400_000_000),
            free: Some(300_000_000),
        };
        ListedModel { name: name.to_owned(), facts: if name.is_empty() { Err("no".to_owned()) } else { Ok(facts) } }
    }

    #[test]
    fn another_model_runs_the_same_request_and_other_runs_stay_open() {
        let mut harness = Harness::finished(48);
        harness.state.models.choose("demo");
        let effects = press(&mut harness.state, ",".parse().unwrap());
        let [Effect::ListModels { generation, .. }] = effects[..] else { panic!("{effects:?}") };
        for event in [CatalogueEvent::Found(listed("gemma.gguf")), CatalogueEvent::Done] {
            harness.receive(Message::Catalogue(Tagged { generation, event }));
        }
        let rows = harness
            .state
            .palette_rows(&crate::app::state::palette::Palette::of(crate::app::state::palette::PaletteScope::Models));
        assert!(
            rows[0].about.contains("too large now") && rows[0].about.contains("400 MB of 300 MB free"),
            "{}",
            rows[0].about
        );
        let effects = press(&mut harness.state, "enter".parse().unwrap());
        assert!(matches!(&effects[..], [Effect::OpenModel(name), Effect::Run { .. }] if name == "gemma.gguf"));
        harness.execute(effects);
        assert_eq!((harness.state.runs.len(), harness.state.models.recent.len()), (1, 2));
        assert!(harness.keys("p").queries == 0, "the shown run is of another model");
        harness.state.run_mut().unwrap().model.weights_hash = "of the demo".to_owned();
        harness.run_to_end(48);
        assert_eq!(harness.state.runs.len(), 2, "the same request on another model is another run");
        harness.keys("s");
        harness.run_to_end(48);
        harness.keys("S");
        let shown = harness.state.run().unwrap();
        assert_eq!((shown.prompt.demo_seed, shown.model.weights_hash.as_str()), (0, "0".repeat(64).as_str()));
    }
}
