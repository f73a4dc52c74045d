"""Runs notification until it is told to stop."""

from chassis.running import run
from notification.bootstrap import build
from notification.settings import Settings

run("notification", Settings, build)
