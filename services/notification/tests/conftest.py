"""Fixtures of notification's tests: the office with its gateway and its intake."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
