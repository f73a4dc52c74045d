"""Outside things that training meets."""
