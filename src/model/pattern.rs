//! Compiled patterns: [`JsonPattern`] and [`XmlPattern`].

/// A compiled JSON pattern.
#[derive(Clone, Debug)]
pub struct JsonPattern {}

/// A compiled XML pattern.
#[derive(Clone, Debug)]
pub struct XmlPattern {}
