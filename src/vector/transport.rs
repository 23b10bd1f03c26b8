//! The cheapest way to move weights from where they are to where they are wanted.

use crate::error::Result;

/// So much moves from a source to a sink.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// The place of the source in the list of sources.
    pub source: usize,
    /// The place of the sink in the list of sinks.
    pub sink: usize,
    /// The share of the whole weight that moves, from 0 to 1.
    pub weight: f64,
}

/// Below this, of a total of 1, a weight counts as none.
const NOTHING: f64 = 1e-13;

/// The flows of least total cost, by source and sink, that bring each source's weight to the sinks;
/// both weights sum up to 1. `costs`, none below 0, are row by row, one row a source.
///
/// Successive shortest paths with potentials (Edmonds and Karp 1972), each found by Dijkstra's
/// algorithm on the dense graph: about (sources + sinks) paths of sources * sinks steps.
///
/// # Errors
///
/// Whatever `go_on` says; it is asked before each path.
pub fn transport(
    sources: &[f64],
    sinks: &[f64],
    costs: &[f64],
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Vec<Flow>> {
    let mut network = Network::new(sources, sinks, costs);
    loop {
        go_on()?;
        let Some(sink) = network.shortest_path() else { break };
        network.augment(sink);
    }
    Ok(network.flows())
}

struct Network<'a> {
    costs: &'a [f64],
    left: Vec<f64>,
    wanted: Vec<f64>,
    flow: Vec<f64>,
    /// Of sources, then of sinks.
    potentials: Vec<f64>,
    distances: Vec<f64>,
    /// The node before each on its shortest path; none for a source that still has weight.
    before: Vec<Option<usize>>,
}

impl<'a> Network<'a> {
    fn new(sources: &[f64], sinks: &[f64], costs: &'a [f64]) -> Self {
        let nodes = sources.len() + sinks.len();
        Self {
            costs,
            left: sources.to_vec(),
            wanted: sinks.to_vec(),
            flow: vec![0.0; costs.len()],
            potentials: vec![0.0; nodes],
            distances: vec![0.0; nodes],
            before: vec![None; nodes],
        }
    }

    /// The nearest sink that still wants weight, with distances by reduced costs.
    fn shortest_path(&mut self) -> Option<usize> {
        let (n, m) = (self.left.len(), self.wanted.len());
        self.distances.fill(f64::INFINITY);
        self.before.fill(None);
        for i in 0..n {
            if self.left[i] > NOTHING {
                self.distances[i] = 0.0;
            }
        }
        let mut done = vec![false; n + m];
        let end = loop {
            let open = (0..n + m).filter(|&node| !done[node] && self.distances[node].is_finite());
            let node = open.min_by(|&a, &b| self.distances[a].total_cmp(&self.distances[b]))?;
            done[node] = true;
            let base = self.distances[node] + self.potentials[node];
            if node < n {
                for j in 0..m {
                    self.relax(node, n + j, base + self.costs[node * m + j]);
                }
            } else {
                let j = node - n;
                if self.wanted[j] > NOTHING {
                    break node;
                }
                for i in 0..n {
                    if self.flow[i * m + j] > NOTHING {
                        self.relax(node, i, base - self.costs[i * m + j]);
                    }
                }
            }
        };
        let farthest = self.distances[end];
        for (potential, distance) in self.potentials.iter_mut().zip(&self.distances) {
            *potential += distance.min(farthest);
        }
        Some(end)
    }

    fn relax(&mut self, from: usize, to: usize, reached: f64) {
        // Reduced costs are never below 0 but for rounding.
        let distance = (reached - self.potentials[to]).max(self.distances[from]);
        if distance < self.distances[to] {
            self.distances[to] = distance;
            self.before[to] = Some(from);
        }
    }

    /// Sends as much as can go along the path to a sink.
    fn augment(&mut self, end: usize) {
        let (n, m) = (self.left.len(), self.wanted.len());
        let mut most = self.wanted[end - n];
        let mut node = end;
        while let Some(from) = self.before[node] {
            if from >= n {
                most = most.min(self.flow[node * m + (from - n)]);
            }
            node = from;
        }
        most = most.min(self.left[node]);
        self.left[node] -= most;
        self.wanted[end - n] -= most;
        let mut node = end;
        while let Some(from) = self.before[node] {
            if from < n {
                self.flow[from * m + (node - n)] += most;
            } else {
                self.flow[node * m + (from - n)] -= most;
            }
            node = from;
        }
    }

    fn flows(&self) -> Vec<Flow> {
        let m = self.wanted.len();
        let flows = self.flow.iter().enumerate().filter(|&(_, &weight)| weight > NOTHING);
        flows.map(|(i, &weight)| Flow { source: i / m, sink: i % m, weight }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn cost(flows: &[Flow], costs: &[f64], sinks: usize) -> f64 {
        flows.iter().map(|flow| flow.weight * costs[flow.source * sinks + flow.sink]).sum()
    }

    /// With equal weights the cheapest way is an assignment: the least of all permutations.
    #[test]
    fn it_is_the_best_assignment_of_all() {
        let mut random = SplitMix64(11);
        for n in 1..7_usize {
            let costs: Vec<f64> = (0..n * n).map(|_| random.below(1_000) as f64).collect();
            let even = vec![1.0 / n as f64; n];
            let flows = transport(&even, &even, &costs, &|| Ok(())).unwrap();
            let mut best = f64::INFINITY;
            let mut order: Vec<usize> = (0..n).collect();
            permute(&mut order, 0, &mut |order| {
                let total: f64 = order.iter().enumerate().map(|(i, &j)| costs[i * n + j]).sum();
                best = best.min(total / n as f64);
            });
            assert!((cost(&flows, &costs, n) - best).abs() < 1e-9, "{n}: {flows:?}");
        }
    }

    fn permute(order: &mut Vec<usize>, from: usize, visit: &mut dyn FnMut(&[usize])) {
        if from == order.len() {
            visit(order);
        }
        for i in from..order.len() {
            order.swap(from, i);
            permute(order, from + 1, visit);
            order.swap(from, i);
        }
    }

    /// On a line the distance is the area between the two distribution functions.
    #[test]
    fn uneven_weights_on_a_line_cost_what_the_distributions_differ() {
        let mut random = SplitMix64(5);
        for (n, m) in [(1, 1), (3, 5), (40, 31)] {
            let mut weights = |count: usize| -> Vec<f64> {
                let all: Vec<f64> = (0..count).map(|_| random.below(9) as f64 + 1.0).collect();
                let sum: f64 = all.iter().sum();
                all.iter().map(|weight| weight / sum).collect()
            };
            let (sources, sinks) = (weights(n), weights(m));
            let places = |count: usize, step: f64| (0..count).map(move |i| i as f64 * step);
            let costs: Vec<f64> =
                places(n, 1.3).flat_map(|x| places(m, 0.9).map(move |y| (x - y).abs())).collect();
            let flows = transport(&sources, &sinks, &costs, &|| Ok(())).unwrap();
            for (i, weight) in sources.iter().enumerate() {
                let sent: f64 = flows.iter().filter(|f| f.source == i).map(|f| f.weight).sum();
                assert!((sent - weight).abs() < 1e-10);
            }
            let mut steps: Vec<(f64, f64)> = places(n, 1.3).zip(sources.iter().copied()).collect();
            steps.extend(places(m, 0.9).zip(sinks.iter().map(|weight| -weight)));
            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut height, mut area) = (0.0_f64, 0.0);
            for pair in steps.windows(2) {
                height += pair[0].1;
                area += height.abs() * (pair[1].0 - pair[0].0);
            }
            assert!((cost(&flows, &costs, m) - area).abs() < 1e-9, "{n} {m}");
        }
    }
}
