//! Layouts of `docs/PROTOCOL.md`, byte by byte. No keys here.
