"""Runs referral until it is told to stop."""

from chassis.running import run
from referral.bootstrap import build
from referral.settings import Settings

run("referral", Settings, build)
