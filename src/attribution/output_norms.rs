//! Squared norms of component outputs, which say how much of an output the label logits do not see.

/// Squared norms `[C][N]` of component outputs on the examples so far.
///
/// The norm of an example is that of the vector which the component adds to the residual stream (after a norm behind the
/// block and multipliers), times the final norm's realised scale and the logit scale: the factors that its contributions
/// have, too.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OutputNorms {
    /// `None` if some example has no norms.
    by_component: Option<Vec<Vec<f32>>>,
}

impl OutputNorms {
    /// Makes norms of no examples, for `components` components.
    pub(super) fn new(components: usize) -> Self {
        Self { by_component: Some(vec![Vec::new(); components]) }
    }

    /// Appends the norms `[C, examples]` of the next examples; none if `norms` is empty.
    ///
    /// # Panics
    /// If there are norms of another number of components.
    pub(super) fn push(&mut self, examples: usize, norms: &[f32]) {
        if norms.is_empty() && examples > 0 {
            self.by_component = None;
        }
        let Some(by_component) = &mut self.by_component else { return };
        assert_eq!(norms.len(), by_component.len() * examples, "norms of other components");
        for (all, new) in by_component.iter_mut().zip(norms.chunks_exact(examples.max(1))) {
            all.extend_from_slice(new);
        }
    }

    /// Returns the norms of the component at `index`, `[N]`.
    pub(super) fn of(&self, index: usize) -> Option<&[f32]> {
        self.by_component.as_ref().map(|all| all[index].as_slice())
    }

    /// Returns the norms of the examples `rows`, `[C, rows]`; empty if there are none.
    pub(super) fn pick(&self, rows: &[usize]) -> Vec<f32> {
        let all = self.by_component.iter().flatten();
        all.flat_map(|norms| rows.iter().map(|&row| norms[row])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_appended_and_one_without_norms_removes_all() {
        let mut norms = OutputNorms::new(2);
        norms.push(0, &[]);
        norms.push(2, &[1.0, 2.0, 3.0, 4.0]);
        norms.push(1, &[5.0, 6.0]);
        assert_eq!((norms.of(0), norms.of(1)), (Some(&[1.0, 2.0, 5.0][..]), Some(&[3.0, 4.0, 6.0][..])));
        assert_eq!(norms.pick(&[2, 0]), [5.0, 1.0, 6.0, 3.0]);
        norms.push(1, &[]);
        assert_eq!((norms.of(0), norms.pick(&[0])), (None, Vec::new()));
        norms.push(1, &[7.0, 8.0]);
        assert_eq!(norms.of(0), None);
    }
}
