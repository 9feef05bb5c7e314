//! Renders a record into the formats that people and machines read.
