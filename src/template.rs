//! Resolves variables and functions in requests and expectations.
