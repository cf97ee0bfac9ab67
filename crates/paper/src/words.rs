//! How data sets, models, machines and durations are called in tables and figures.

use runner::Environment;

use crate::experiment::{BLOCK, MULTI, SINGLE};

/// The name of a data set for readers.
pub fn data_title(data: &str) -> &'static str {
    match data {
        "yinyang" => "Yin-Yang",
        "mnist" => "MNIST",
        "fmnist" => "Fashion-MNIST",
        "nmnist" => "N-MNIST",
        "shd" => "SHD",
        "cifar10-vgg" => "CIFAR-10, VGG",
        "fsdd" => "spoken digits (FSDD)",
        _ => "unknown",
    }
}

/// The name of a model for readers.
pub fn model_title(formulation: &str) -> &'static str {
    match formulation {
        BLOCK => "block (scan)",
        SINGLE => "standard single-spike",
        MULTI => "standard multi-spike",
        _ => "unknown",
    }
}

/// The machine that something ran on.
pub fn machine(environment: &Environment) -> String {
    let mut text = environment.device.clone();
    if let (true, Some(cpu)) = (text == "cpu", &environment.cpu) {
        text += &format!(" ({cpu}, {} threads)", environment.threads);
    }
    text
}

/// `42 s`, `3 min`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        _ if seconds < 99.5 => format!("{seconds:.0} s"),
        0..60 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration(42.2), "42 s");
        assert_eq!(duration(187.0), "3 min");
        assert_eq!(duration(7500.0), "2 h 05 min");
    }
}
