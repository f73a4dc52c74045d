"""Decisions about messages: frozen dataclasses and pure functions."""
