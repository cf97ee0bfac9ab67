//! Measurements for people.

use benches::Measurement;

pub(super) const HEADER: &str = "workload      neurons                steps  formulation      engine  forward ms  backward ms     step ms  us/time step  repetitions   peak MB  G neuron-steps/s  baseline ms  ratio  set       spikes/sample";

pub(super) fn row(m: &Measurement) -> String {
    format!(
        "{:<13} {:<22} {:>5}  {:<16} {:<6} {:>11.2} {:>12.2} {:>11.2} {:>13.2} {:>12} {:>9} {:>17.3} {:>12} {:>6}  {:<8} {:>14}",
        m.workload,
        neurons(m),
        m.steps,
        m.formulation,
        m.engine,
        m.forward_seconds * 1e3,
        m.backward_seconds * 1e3,
        m.step_seconds * 1e3,
        m.step_seconds * 1e6 / m.steps as f64,
        m.repetitions,
        megabytes(m.peak_memory_bytes),
        m.neuron_steps_per_second * 1e-9,
        or_dash(m.baseline_seconds.map(|s| format!("{:.2}", s * 1e3))),
        or_dash(m.ratio.map(|r| format!("{r:.2}"))),
        or_dash(m.instruction_set.clone()),
        or_dash(m.hidden_spikes.map(|spikes| format!("{spikes:.1}"))),
    )
}

/// 784-1000-10.
pub(super) fn neurons(m: &Measurement) -> String {
    let readout = (m.classes > 0).then_some(m.classes);
    let sizes = std::iter::once(m.inputs).chain(m.neurons.iter().copied());
    let sizes: Vec<String> = sizes.chain(readout).map(|n| n.to_string()).collect();
    sizes.join("-")
}

fn megabytes(bytes: Option<u64>) -> String {
    or_dash(bytes.map(|b| (b / 1_000_000).to_string()))
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".to_owned())
}
