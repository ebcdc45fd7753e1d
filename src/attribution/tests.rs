use super::*;

const SHAPE: Shape = Shape { layers: 2, heads: 1, labels: 2 };

fn batch(examples: usize, seed: f32) -> Batch {
    let values = |n: usize, offset: f32| (0..n).map(|i| seed + offset + i as f32).collect::<Vec<_>>();
    let rows = examples * SHAPE.labels;
    let components = values(SHAPE.components() * rows, 0.0);
    let rest = values(rows, 0.5);
    let full = (0..rows).map(|i| (0..4).map(|c| components[c * rows + i]).sum::<f32>() + rest[i]).collect();
    Batch { examples, components, rest, full, norms: Vec::new() }
}

#[test]
fn batches_fill_rows_in_order() {
    let mut table = Attribution::new(SHAPE, vec![0, 1, 1]);
    table.push(&batch(1, 0.0));
    assert_eq!((table.len(), table.gold()), (1, &[0][..]));
    assert_eq!(table.contribution(1), &[2.0, 3.0]);
    table.push(&batch(2, 100.0));
    assert!(table.is_complete());
    assert_eq!(table.contribution(0), &[0.0, 1.0, 100.0, 101.0, 102.0, 103.0]);
    assert_eq!(table.contribution_of(Component::mlp(0)).unwrap()[..2], [2.0, 3.0]);
    assert_eq!(table.filter(|row| row == 1).contribution(0), &[100.0, 101.0]);
}

#[test]
fn exactness_detects_one_wrong_contribution() {
    let mut table = Attribution::new(SHAPE, vec![0, 1]);
    let mut wrong = batch(2, 1.0);
    table.push(&wrong);
    assert!(table.exactness().holds(F32_TOLERANCE), "{:?}", table.exactness());
    wrong.components[0] += 0.25;
    let mut table = Attribution::new(SHAPE, vec![0, 1]);
    table.push(&wrong);
    assert!((table.exactness().max_abs - 0.125).abs() < 1e-6);
    assert!(!table.exactness().holds(F32_TOLERANCE));
}

#[test]
fn exactness_ignores_a_constant_added_to_all_labels() {
    let exactness = Exactness::measure(&[11.0, 12.0], &[1.0, 2.0], 2);
    assert_eq!(exactness, Exactness::default());
}

#[test]
fn rounding_of_terms_that_cancel_is_exact_and_a_lost_term_is_not() {
    let table = |lost: f32| {
        let mut table = Attribution::new(SHAPE, vec![0]);
        let components = vec![100.0, 0.0, -100.0, 0.0, 1.0 + lost, 0.0, -1.0, 0.0];
        table.push(&Batch { examples: 1, components, rest: vec![0.0; 2], full: vec![1e-5, 0.0], norms: Vec::new() });
        table.exactness()
    };
    let near = table(2e-5);
    assert!((near.terms - 101.0).abs() < 1e-3, "{near:?}");
    assert!(near.max_rel > F32_TOLERANCE && near.is_rounding() && near.holds(F32_TOLERANCE));
    assert!(!table(0.01).holds(F32_TOLERANCE));
    assert!(!Exactness { terms: f64::NAN, max_rel: 1.0, ..near }.holds(F32_TOLERANCE));
}

#[test]
fn nan_fails_exactness() {
    assert!(!Exactness::measure(&[f64::NAN, 0.0], &[1.0, 2.0], 2).holds(F32_TOLERANCE));
}

#[test]
fn ties_go_to_the_first_label() {
    assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
}
