//! Sends prepared requests over real sockets.
