//! The embedded mock service, written from the documents.
