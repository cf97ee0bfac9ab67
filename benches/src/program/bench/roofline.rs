//! Measured steps against what the machine could do.

use benches::Measurement;

use super::table::neurons;

pub(super) const HEADER: &str = "workload      neurons                steps  G operations        MB  G additions/s  copy GB/s  bound ms  bound by      step ms  step/bound";

/// The bound is the longer of moving the bytes at the bandwidth of a copy and doing the operations at
/// the rate of additions.
pub(super) fn row(m: &Measurement) -> String {
    let (Some(operations), Some(bytes), Some(additions), Some((bound, by))) =
        (m.operations, m.bytes, m.additions_per_second, bound(m))
    else {
        return format!("{}: unknown on {}", m.workload, m.device);
    };
    let share = match beaten(m) {
        Some(_) => "implausible".to_owned(),
        None => format!("{:.2}", m.step_seconds / bound),
    };
    format!(
        "{:<13} {:<22} {:>5} {:>13.3} {:>9.1} {:>14.1} {:>10.1} {:>9.2}  {:<10} {:>10.2} {share:>11}",
        m.workload,
        neurons(m),
        m.steps,
        operations as f64 * 1e-9,
        bytes as f64 * 1e-6,
        additions * 1e-9,
        m.copy_bandwidth_bytes_per_second * 1e-9,
        bound * 1e3,
        by,
        m.step_seconds * 1e3,
    )
}

/// The bound in seconds, and what sets it.
fn bound(m: &Measurement) -> Option<(f64, &'static str)> {
    let compute = m.operations? as f64 / m.additions_per_second?;
    let memory = m.bytes? as f64 / m.copy_bandwidth_bytes_per_second;
    Some(match compute > memory {
        true => (compute, "operations"),
        false => (memory, "bytes"),
    })
}

/// Why a bound cannot be right, if a step took less than it.
pub(super) fn beaten(m: &Measurement) -> Option<String> {
    let (bound, by) = bound(m)?;
    (m.step_seconds < bound).then(|| {
        format!(
            "{} {}: a step of {:.2} ms beats its bound of {:.2} ms by {by}; the rate that it was divided by is \
             implausible, so measure again on a quiet machine",
            m.workload,
            neurons(m),
            m.step_seconds * 1e3,
            bound * 1e3,
        )
    })
}
