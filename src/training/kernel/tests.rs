//! Tests of the kernels against plain loops and finite differences.

use super::*;
use crate::training::huffman::Huffman;
use crate::training::rows::Rows;

fn rows(count: usize, dim: usize, seed: u64) -> Rows {
    let mut rows = Rows::new(count, dim).unwrap();
    rows.randomize(0, seed);
    // Products of about 1, where sigmoids bend.
    rows.floats_mut().iter_mut().for_each(|value| *value *= (dim as f32).sqrt() * 1.5);
    rows
}

fn labels(labels: &[f32]) -> Line {
    let mut line = Line::default();
    line.0[..labels.len()].copy_from_slice(labels);
    line.0.copy_within(..OUTPUTS, OUTPUTS);
    line
}

/// One step over the first rows, the first of them a second time if `twice`.
fn step(kind: Kind, inputs: &mut Rows, outputs: &mut Rows, line: &Line, twice: bool) -> Vec<Line> {
    let kernels = Kernels::new(kind, inputs.dim());
    let (count, of) = (u32::try_from(inputs.len()).unwrap(), inputs.pointers());
    let mut all: Vec<Row<'_>> = (0..count).map(|row| of.row(row)).collect();
    all.extend(twice.then(|| of.row(0)));
    let (count, of) = (u32::try_from(outputs.len()).unwrap(), outputs.pointers());
    let outputs: Vec<Row<'_>> = (0..count).map(|row| of.row(row)).collect();
    let mut errors = vec![Line::default(); all.len().div_ceil(2)];
    let mut step =
        Step { inputs: &all, outputs: &outputs, labels: line, lr: 0.1, errors: &mut errors };
    // SAFETY: rows of two matrices of one dimension, the outputs each once.
    unsafe { kernels.step(&mut step) };
    errors
}

#[test]
fn sigmoids_are_those_of_double_precision() {
    for kind in Kind::all() {
        for x in (-2_400..2_400_i16).step_by(8).map(|x| f32::from(x) / 100.0) {
            let (mut inputs, mut outputs) = (rows(1, 1, 1), rows(OUTPUTS, 1, 1));
            inputs.row_mut(0)[0] = 1.0;
            let all: [f32; OUTPUTS] = std::array::from_fn(|i| x + i as f32 / 100.0);
            all.iter().enumerate().for_each(|(t, &x)| outputs.row_mut(t)[0] = x);
            let errors = step(kind, &mut inputs, &mut outputs, &labels(&[0.0; OUTPUTS]), false);
            for (error, x) in errors[0].0.into_iter().zip(all) {
                let chance = 1.0 / (1.0 + (-f64::from(x)).exp());
                let off = (f64::from(error) / -0.1 - chance).abs();
                assert!(off < 3e-5, "{kind:?} {x}: {off}");
            }
        }
    }
}

#[test]
fn inputs_in_turn_learn_from_what_those_before_them_left() {
    let goals: Vec<f32> = (0..WIDE).map(|i| if i % 3 == 0 { 1.0 } else { 0.0 }).collect();
    for kind in Kind::all() {
        for (dim, count) in [(19, 3), (50, 8), (100, 11), (130, 16), (300, 14)] {
            let kernels = Kernels::new(kind, dim);
            if kernels.most_in_turn() < count {
                continue;
            }
            let (mut inputs, mut outputs) = (rows(5, dim, 1), rows(count, dim, 2));
            let mut line = Line::default();
            line.0[..count].copy_from_slice(&goals[..count]);
            let mut errors = vec![Line::default(); 5];
            let (of, to) = (inputs.pointers(), outputs.pointers());
            let all: Vec<Row<'_>> = (0..5).map(|row| of.row(row)).collect();
            let number = u32::try_from(count).unwrap();
            let targets: Vec<Row<'_>> = (0..number).map(|row| to.row(row)).collect();
            let mut step = Step {
                inputs: &all,
                outputs: &targets,
                labels: &line,
                lr: 0.1,
                errors: &mut errors,
            };
            // SAFETY: rows of two matrices of one dimension, the outputs each once.
            unsafe { kernels.step_in_turn(&mut step) };
            let (x, mut w) = (rows(5, dim, 1), rows(count, dim, 2));
            let mut expected = rows(5, dim, 1);
            for (j, errors) in errors.iter().enumerate() {
                let before = w.copy().unwrap();
                for (t, &goal) in goals[..count].iter().enumerate() {
                    let pairs = x.row(j).iter().zip(before.row(t));
                    let product: f32 = pairs.map(|(x, w)| x * w).sum();
                    let error = 0.1 * (goal - 1.0 / (1.0 + (-product).exp()));
                    assert!((errors.0[t] - error).abs() < 2e-5, "{kind:?} {j} {t}");
                    for i in 0..dim {
                        expected.row_mut(j)[i] += error * before.row(t)[i];
                        w.row_mut(t)[i] += error * x.row(j)[i];
                    }
                }
            }
            let off = far(&inputs, &expected).max(far(&outputs, &w));
            assert!(off < 1e-4, "{kind:?} {dim} {count}: {off}");
        }
    }
}

fn far(a: &Rows, b: &Rows) -> f32 {
    a.floats().iter().zip(b.floats()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_kind_learns_what_plain_rust_does() {
    let line = labels(&[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
    for dim in [1, 16, 50, 100, 200, 300] {
        for (inputs_count, outputs_count) in
            [(1, 1), (2, 2), (3, 6), (4, 7), (5, 8), (1, 5), (3, 4), (2, 3)]
        {
            for twice in [false, true] {
                let fresh = || (rows(inputs_count, dim, 1), rows(outputs_count, dim, 2));
                let (mut inputs, mut outputs) = fresh();
                let errors = step(Kind::Plain, &mut inputs, &mut outputs, &line, twice);
                for kind in Kind::all() {
                    let (mut a, mut b) = fresh();
                    let found = step(kind, &mut a, &mut b, &line, twice);
                    let of = |lines: &[Line]| -> Vec<f32> {
                        let all = lines.iter().flat_map(|line| line.0.as_chunks::<8>().0);
                        let all = all.take(inputs_count + usize::from(twice));
                        all.flat_map(|errors| errors[..outputs_count].to_vec()).collect()
                    };
                    let errors_far =
                        of(&found).iter().zip(of(&errors)).any(|(a, b)| (a - b).abs() > 1e-5);
                    assert!(!errors_far, "{kind:?} {dim} {inputs_count} {outputs_count}");
                    let off = far(&a, &inputs).max(far(&b, &outputs));
                    assert!(off < 1e-5, "{kind:?} {dim} {inputs_count} {outputs_count}: {off}");
                }
            }
        }
    }
}

#[test]
fn every_kind_means_and_draws_alike_and_softmax_too() {
    for dim in [3, 100, 130] {
        let mut results: Vec<(Rows, Rows, f32, [u32; DRAWN])> = Vec::new();
        for kind in Kind::all() {
            let kernels = Kernels::new(kind, dim);
            let (mut inputs, mut outputs) = (rows(6, dim, 3), rows(21, dim, 4));
            let of = inputs.pointers();
            let all = [of.row(0), of.row(1), of.row(1)];
            // SAFETY: rows of one matrix.
            unsafe { kernels.mean(&all, [of.row(3), of.row(4)]) };
            let mut chances = [0.0; 21];
            let mut step = Chances {
                input: of.row(3),
                change: of.row(5),
                outputs: outputs.pointers(),
                target: 4,
                lr: 0.1,
                exps: &mut chances,
            };
            // SAFETY: rows of two matrices of one dimension.
            let loss = unsafe { kernels.softmax(&mut step) };
            // SAFETY: as above.
            unsafe { kernels.spread(&all, [of.row(3), of.row(4)]) };
            let weighed = [[of.row(0), of.row(2)], [of.row(1), of.row(2)]];
            // SAFETY: as above; row 2 is of weights.
            unsafe { kernels.weighed_mean(&weighed, [of.row(3), of.row(4)]) };
            // SAFETY: as above.
            unsafe { kernels.spread(&[of.row(3)], [of.row(5), of.row(1)]) };
            // SAFETY: as above.
            unsafe { kernels.weighed_spread(&weighed, [of.row(3), of.row(4)]) };
            let mut drawn = [0; DRAWN];
            let table: Vec<u64> = (0..99).map(|word| word << 33 | word << 25).collect();
            kernels.fill(&table, &mut [[77, 5, 6, 7, 8, 9, 10, 11]; 2], &mut drawn);
            results.push((inputs, outputs, loss, drawn));
        }
        let (plain, others) = results.split_last().unwrap();
        for other in others {
            assert!(far(&other.0, &plain.0) < 1e-5 && far(&other.1, &plain.1) < 1e-5);
            assert!((other.2 - plain.2).abs() < 1e-4 && other.3 == plain.3);
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Checks what a step changed against the slope of a loss, both ways at each component.
fn check_slope(before: &[f32], after: &[f32], loss: impl Fn(&[f32]) -> f64, what: &str) {
    for i in 0..before.len() {
        let at = |by: f32| {
            let mut moved = before.to_vec();
            moved[i] += by;
            (loss(&moved), f64::from(moved[i]))
        };
        let ((high, x1), (low, x0)) = (at(1e-3), at(-1e-3));
        let slope = (high - low) / (x1 - x0);
        let learned = -f64::from(after[i] - before[i]) / 0.1;
        assert!((slope - learned).abs() < 2e-3, "{what}, component {i}: {slope} {learned}");
    }
}

#[test]
fn each_loss_is_learned_along_its_slope() {
    let dim = 19;
    let softplus = |x: f64| (1.0 + (-x).exp()).ln();
    // Negative sampling: the first output is right. Hierarchical softmax: a word's path, with both
    // children's chances.
    let tree = Huffman::new(&[9, 7, 3, 2, 2, 1]).unwrap();
    let path = tree.path(4);
    let lefts: Vec<f32> = path.lefts.iter().map(|&left| f32::from(u8::from(left))).collect();
    let cases = [vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0], lefts];
    for (kind, goals) in
        Kind::all().into_iter().flat_map(|kind| cases.iter().map(move |c| (kind, c)))
    {
        let (mut inputs, mut outputs) = (rows(1, dim, 5), rows(goals.len(), dim, 6));
        let (x, all) = (inputs.row(0).to_vec(), rows(goals.len(), dim, 6));
        step(kind, &mut inputs, &mut outputs, &labels(goals), false);
        let loss = |x: &[f32], changed: Option<(usize, &[f32])>| -> f64 {
            let each = goals.iter().enumerate().map(|(t, &goal)| {
                let w = changed.filter(|&(at, _)| at == t).map_or(all.row(t), |(_, w)| w);
                softplus(if goal > 0.5 { dot(x, w) } else { -dot(x, w) })
            });
            each.sum()
        };
        check_slope(&x, inputs.row(0), |x| loss(x, None), "input");
        for t in 0..goals.len() {
            let of_output = |w: &[f32]| loss(&x, Some((t, w)));
            check_slope(all.row(t), outputs.row(t), of_output, "output");
        }
    }
    // Full softmax.
    for kind in Kind::all() {
        let (mut inputs, mut outputs) = (rows(2, dim, 7), rows(11, dim, 8));
        let (x, all) = (inputs.row(0).to_vec(), rows(11, dim, 8));
        let (of, mut chances) = (inputs.pointers(), [0.0; 11]);
        let mut step = Chances {
            input: of.row(0),
            change: of.row(1),
            outputs: outputs.pointers(),
            target: 3,
            lr: 0.1,
            exps: &mut chances,
        };
        // SAFETY: rows of two matrices of one dimension.
        let told = unsafe { Kernels::new(kind, dim).softmax(&mut step) };
        let loss = |x: &[f32], changed: Option<(usize, &[f32])>| -> f64 {
            let w = |t: usize| changed.filter(|&(at, _)| at == t).map_or(all.row(t), |(_, w)| w);
            let total: f64 = (0..11).map(|t| dot(x, w(t)).exp()).sum();
            total.ln() - dot(x, w(3))
        };
        assert!((f64::from(told) - loss(&x, None)).abs() < 1e-4);
        check_slope(&x, inputs.row(0), |x| loss(x, None), "input");
        for t in 0..11 {
            check_slope(all.row(t), outputs.row(t), |w| loss(&x, Some((t, w))), "output");
        }
    }
}

#[test]
fn weights_of_places_are_learned_along_the_slope() {
    let dim = 19;
    for kind in Kind::all() {
        let kernels = Kernels::new(kind, dim);
        // Two words, the weights of their places, an output, a mean and what it was.
        let (mut all, mut outputs) = (rows(6, dim, 9), rows(1, dim, 10));
        let (before, w) = (rows(6, dim, 9), outputs.row(0).to_vec());
        let of = all.pointers();
        let weighed = [[of.row(0), of.row(2)], [of.row(1), of.row(3)]];
        let mut errors = [Line::default()];
        let mut step = Step {
            inputs: &[of.row(4)],
            outputs: &[outputs.pointers().row(0)],
            labels: &labels(&[1.0]),
            lr: 0.1,
            errors: &mut errors,
        };
        // SAFETY: rows of one dimension; the output and the weights are no inputs.
        unsafe { kernels.weighed_mean(&weighed, [of.row(4), of.row(5)]) };
        // SAFETY: as above.
        unsafe { kernels.step(&mut step) };
        // SAFETY: as above.
        unsafe { kernels.weighed_spread(&weighed, [of.row(4), of.row(5)]) };
        let softplus = |x: f64| (1.0 + (-x).exp()).ln();
        for row in 0..4 {
            let loss = |changed: &[f32]| {
                let of = |at: usize| if at == row { changed } else { before.row(at) };
                let part =
                    |word: usize, i: usize| f64::from(of(word)[i]) * f64::from(of(word + 2)[i]);
                let product: f64 =
                    (0..dim).map(|i| f64::midpoint(part(0, i), part(1, i)) * f64::from(w[i])).sum();
                softplus(product)
            };
            let after = all.row(row);
            for i in 0..dim {
                let at = |by: f32| {
                    let mut moved = before.row(row).to_vec();
                    moved[i] += by;
                    (loss(&moved), f64::from(moved[i]))
                };
                let ((high, x1), (low, x0)) = (at(1e-3), at(-1e-3));
                // Words learn the whole of it, as in word2vec, and weights their share.
                let slope = (high - low) / (x1 - x0) * if row < 2 { 2.0 } else { 1.0 };
                let learned = -f64::from(after[i] - before.row(row)[i]) / 0.1;
                assert!((slope - learned).abs() < 2e-3, "{kind:?} {row} {i}: {slope} {learned}");
            }
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    for kind in Kind::all() {
        let (mut inputs, mut outputs) = (rows(1, 20, 1), rows(3, 20, 2));
        inputs.row_mut(0)[7] = f32::NAN;
        let errors = step(kind, &mut inputs, &mut outputs, &labels(&[1.0, 0.0, 0.0]), false);
        assert!(errors[0].0[..3].iter().all(|error| error.is_nan()), "{kind:?}");
        assert!(!inputs.is_finite() && !outputs.is_finite());
    }
}
