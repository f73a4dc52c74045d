"""`python -m training` runs one agency's training service."""

from chassis.running import run
from training.bootstrap import build
from training.settings import Settings

run("training", Settings, build)
