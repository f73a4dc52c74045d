"""What training decides: frozen dataclasses and pure functions, one module per aggregate."""
