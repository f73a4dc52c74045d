"""Doors of the service: translate, call one handler, translate back."""
