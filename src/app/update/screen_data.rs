//! What the screen needs and does not have yet.

use crate::app::{effect::Effect, state::State};

use super::{demo_editor, experiments, mixer, run_list, run_matrix};

/// Asks for what the screen needs and does not have yet.
pub(super) fn request_missing(state: &mut State) -> Vec<Effect> {
    run_matrix::refresh(state);
    [
        mixer::ask_for_baselines(state),
        demo_editor::refresh_and_query(state),
        run_list::request_list(state),
        experiments::request_missing_result(state),
    ]
    .concat()
}
