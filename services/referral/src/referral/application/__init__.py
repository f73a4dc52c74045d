"""One function per command: load, ask, save."""
