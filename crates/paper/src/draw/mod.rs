//! Figures as SVG, all in one style.

pub(crate) mod charts;
pub(crate) mod maps;
pub(crate) mod panels;
pub(crate) mod point;
pub(crate) mod spikes;
pub(crate) mod style;
pub(crate) mod traces;
