//! Requests for data that the current screen needs.

use crate::app::{effect::Effect, state::State};

use super::{demo_editor, experiments, mixer, run_list, run_matrix};

/// Requests the data that the current screen needs and does not have.
pub(super) fn request_missing(state: &mut State) -> Vec<Effect> {
    run_matrix::refresh(state);
    [
        mixer::request_baselines(state),
        demo_editor::refresh_and_query(state),
        demo_editor::request_compared_tasks(state),
        run_list::request_list(state),
        experiments::request_missing_result(state),
    ]
    .concat()
}
