//! The profile of the service under test.
