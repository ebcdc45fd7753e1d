//! Task recognition and task learning: how much of a component's output lies in the span of the label rows, and how well it
//! separates the gold label from the others there.
//!
//! After *task subspace logit attribution* (Yang, Cho & Inoue 2025, arXiv 2509.24164). For an attention head with output `a`
//! and the unembedding rows `W` of the labels, the paper's TR score is the length of `a`'s projection on the span of `W`, and
//! its TL score is the mean over the other labels `y` of `a · (W_gold − W_y)`, over that length. (Of the paper itself only
//! the introduction could be read; the formulas are those of two independent summaries, which agree but for a
//! square on the length. The length itself makes TL independent of the output's size.) Here:
//!
//! - The rows have the final norm's γ folded in, and are centred if it centres. So the span has all directions of the residual
//!   stream that change label logits, and a contribution `r` (`[W]`, in units of the frozen norm) is `W a` times the norm's
//!   scale. The squared length of the projection is `rᵀ (W Wᵀ)⁻¹ r` in the same units.
//! - [`recognition`](SubspaceScores::recognition) is the *share* of the squared length of `a` inside the span, which compares
//!   components of different size and layer; the paper's length is [`length`](SubspaceScores::length), times the norm's scale.
//! - MLPs are scored like heads.

use crate::attribution::Attribution;

/// A label row whose squared distance from the span of the rows before it is at most this share of its own squared length
/// adds no direction: in f32 the rest would be rounding.
const DEPENDENT: f64 = 1e-6;

/// The span of the label rows, as the Cholesky factor of their inner products.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSubspace {
    /// The label words whose rows span it, by index.
    rows: Vec<usize>,
    /// Lower triangle of the factor of their inner products, row by row.
    factor: Vec<f64>,
}

impl TaskSubspace {
    /// Makes the span of rows with the inner products `gram` `[words, words]`.
    ///
    /// # Panics
    /// If `gram` has another size.
    pub fn new(gram: &[f64], words: usize) -> Self {
        assert_eq!(gram.len(), words * words);
        let mut span = Self { rows: Vec::new(), factor: Vec::new() };
        for word in 0..words {
            let products = |row: usize| gram[word * words + row];
            let mut below = Vec::with_capacity(span.rows.len() + 1);
            span.solve(products, &mut below);
            let left = products(word) - below.iter().map(|x| x * x).sum::<f64>();
            if left > DEPENDENT * products(word) {
                span.factor.extend(below);
                span.factor.push(left.sqrt());
                span.rows.push(word);
            }
        }
        span
    }

    /// Returns the number of dimensions: the number of label rows that do not depend on others.
    pub const fn dimensions(&self) -> usize {
        self.rows.len()
    }

    /// Returns the squared length of the projection of a vector whose inner products with the label rows are `products`.
    pub fn squared_projection(&self, products: &[f32], scratch: &mut Vec<f64>) -> f64 {
        self.solve(|row| f64::from(products[row]), scratch);
        scratch.iter().map(|x| x * x).sum()
    }

    /// Solves the triangular system for the right side `products` of label words.
    fn solve(&self, products: impl Fn(usize) -> f64, solution: &mut Vec<f64>) {
        solution.clear();
        let mut at = 0;
        for (index, &row) in self.rows.iter().enumerate() {
            let known: f64 = self.factor[at..at + index].iter().zip(&*solution).map(|(l, x)| l * x).sum();
            solution.push((products(row) - known) / self.factor[at + index]);
            at += index + 1;
        }
    }
}

/// Scores of one component on every example, `[N]` each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubspaceScores {
    /// Share of the output's squared norm inside the span, in `[0, 1]`; 0 if the output is zero. `None` if norms are not
    /// known.
    pub recognition: Option<Vec<f64>>,
    /// Length of the projection on the span, times the final norm's scale and the logit scale.
    pub length: Vec<f64>,
    /// Contribution to the gold label minus the mean of those to the others, over `length`; 0 if that is 0. Its unit is the
    /// inverse of a length of the residual stream's.
    pub learning: Vec<f64>,
}

/// Scores the component at `index` of `table` on all filled rows; `span` is that of the table's label rows.
pub fn subspace_scores(table: &Attribution, span: &TaskSubspace, index: usize) -> SubspaceScores {
    let words = table.words();
    let mut scratch = Vec::with_capacity(span.dimensions());
    let rows = words.contribution(index).chunks_exact(words.shape().labels);
    let squares: Vec<f64> = rows.map(|row| span.squared_projection(row, &mut scratch)).collect();
    let length: Vec<f64> = squares.iter().map(|square| square.sqrt()).collect();
    let over = |value: f64, size: f64| if size > 0.0 { value / size } else { 0.0 };
    let share = |(square, &norm): (&f64, &f32)| over(*square, f64::from(norm)).min(1.0);
    let recognition = table.output_norms(index).map(|norms| squares.iter().zip(norms).map(share).collect());
    let rows = table.contribution(index).chunks_exact(table.labels());
    let separations = rows.zip(table.gold()).map(|(row, &gold)| separation(row, gold));
    let learning = separations.zip(&length).map(|(separation, &length)| over(separation, length)).collect();
    SubspaceScores { recognition, length, learning }
}

/// Returns the value of the gold label minus the mean of the others.
fn separation(row: &[f32], gold: usize) -> f64 {
    let total: f64 = row.iter().map(|&value| f64::from(value)).sum();
    let own = f64::from(row[gold]);
    own - (total - own) / (row.len() - 1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribution::{Batch, ClassLogit, WordClasses},
        component::Shape,
    };

    /// Label rows (2, 0, 0) and (1, 1, 0), and outputs (3, 4, 12) and (0, 0, 5); a component and an MLP.
    fn table(norms: Vec<f32>) -> Attribution {
        let shape = Shape { layers: 1, heads: 1, labels: 2 };
        let mut table = Attribution::new(shape, vec![1]).with_label_gram(Some([4.0, 2.0, 2.0, 2.0].into()));
        let components = vec![6.0, 7.0, 0.0, 0.0];
        table.push(&Batch { examples: 1, components, rest: vec![0.0; 2], full: vec![6.0, 7.0], norms });
        table
    }

    #[test]
    fn scores_by_hand() {
        let table = table(vec![169.0, 25.0]);
        let span = TaskSubspace::new(table.label_gram().unwrap(), 2);
        let scores = subspace_scores(&table, &span, 0);
        assert_eq!(span.dimensions(), 2);
        assert!((scores.length[0] - 5.0).abs() < 1e-12, "the projection is (3, 4, 0)");
        assert!((scores.recognition.unwrap()[0] - 25.0 / 169.0).abs() < 1e-12);
        assert!((scores.learning[0] - (7.0 - 6.0) / 5.0).abs() < 1e-12);
        let outside = subspace_scores(&table, &span, 1);
        assert_eq!((outside.recognition, outside.learning), (Some(vec![0.0]), vec![0.0]));
    }

    #[test]
    fn a_run_without_norms_has_the_scores_that_need_none() {
        let table = table(Vec::new());
        let scores = subspace_scores(&table, &TaskSubspace::new(table.label_gram().unwrap(), 2), 0);
        assert_eq!((scores.recognition, scores.learning.len()), (None, 1));
    }

    #[test]
    fn dependent_rows_add_no_direction() {
        // (1, 0), (2, 0), (0, 3) and their sum.
        let rows = [[1.0_f64, 0.0], [2.0, 0.0], [0.0, 3.0], [3.0, 3.0]];
        let gram: Vec<f64> = rows.iter().flat_map(|a| rows.map(|b| a[0] * b[0] + a[1] * b[1])).collect();
        let span = TaskSubspace::new(&gram, 4);
        assert_eq!(span.dimensions(), 2);
        let products = rows.map(|row| (row[0] * 0.6 + row[1] * 0.8) as f32);
        assert!((span.squared_projection(&products, &mut Vec::new()) - 1.0).abs() < 1e-6, "all of (0.6, 0.8)");
    }

    #[test]
    fn classes_of_several_words_span_all_words_and_separate_classes() {
        let shape = Shape { layers: 1, heads: 1, labels: 3 };
        let names = vec!["a".to_owned(), "b".to_owned()];
        let classes = WordClasses::new(names, vec![0, 1, 1], ClassLogit::Max).unwrap().unwrap();
        let gram = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let mut table = Attribution::with_classes(shape, Some(classes), vec![0]).with_label_gram(Some(gram.into()));
        let components = vec![2.0, 1.0, 2.0, 0.0, 0.0, 0.0];
        let batch =
            Batch { examples: 1, components, rest: vec![0.0; 3], full: vec![2.0, 1.0, 2.0], norms: vec![18.0, 0.0] };
        table.push(&batch);
        let scores = subspace_scores(&table, &TaskSubspace::new(&gram, 3), 0);
        assert_eq!((scores.length[0], scores.recognition), (3.0, Some(vec![0.5])));
        assert_eq!(scores.learning, [0.0], "class b has the larger of its words");
    }
}
