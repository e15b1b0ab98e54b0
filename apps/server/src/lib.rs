//! The composition root: configuration, wiring, listeners, workers.
