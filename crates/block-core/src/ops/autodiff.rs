//! What the gradients of all operations need of Burn's autodiff.

/// Registers a backward step with its state for the nodes of its inputs, and returns the tracked output.
macro_rules! record {
    ($step:expr, $strategy:ty, $nodes:expr, $state:expr, $output:expr) => {
        match $step
            .prepare::<$strategy>($nodes)
            .compute_bound()
            .stateful()
        {
            burn_autodiff::ops::OpsKind::Tracked(prep) => prep.finish($state, $output),
            burn_autodiff::ops::OpsKind::UnTracked(prep) => prep.finish($output),
        }
    };
}

/// Hands each of an operation's inputs that wants one its gradient.
macro_rules! deliver {
    ($grads:expr, $parents:expr, $gradients:expr) => {
        for (parent, gradient) in $parents.into_iter().zip($gradients) {
            if let Some(parent) = parent {
                $grads.register::<B>(parent.id, gradient);
            }
        }
    };
}

pub(crate) use {deliver, record};
