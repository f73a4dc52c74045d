"""Translate, call one handler, translate back."""
