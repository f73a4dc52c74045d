"""Intake: cases, consents and the only place that can translate a pseudonym into a person."""
