"""What no service can prove alone, and the one command that runs everything: `python -m tests`."""
