//! The one front door: operations declared once, ports between rooms, the pipeline.
