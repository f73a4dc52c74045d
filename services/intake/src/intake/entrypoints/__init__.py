"""The edges: translate, call one handler, translate back."""
