"""The routes of training, one module per kind of thing."""
