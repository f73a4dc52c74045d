"""The operator's command and what stands behind it."""
