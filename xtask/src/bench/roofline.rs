//! Measured steps against what the machine could do.

use benches::Measurement;

use super::table::neurons;

pub const HEADER: &str = "workload  neurons                steps  G operations        MB  G additions/s  copy GB/s  bound ms  bound by      step ms  step/bound";

/// The bound is the longer of moving the bytes at the bandwidth of a copy and doing the operations at
/// the rate of additions.
pub fn row(m: &Measurement) -> String {
    let (Some(operations), Some(bytes), Some(additions)) =
        (m.operations, m.bytes, m.additions_per_second)
    else {
        return format!("{}: unknown on {}", m.workload, m.device);
    };
    let compute = operations as f64 / additions;
    let memory = bytes as f64 / m.copy_bandwidth_bytes_per_second;
    let (bound, by) = match compute > memory {
        true => (compute, "operations"),
        false => (memory, "bytes"),
    };
    format!(
        "{:<9} {:<22} {:>5} {:>13.3} {:>9.1} {:>14.1} {:>10.1} {:>9.2}  {:<10} {:>10.2} {:>11.2}",
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
        m.step_seconds / bound,
    )
}
