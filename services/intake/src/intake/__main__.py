"""`python -m intake`"""

from chassis.running import run
from intake.bootstrap import build
from intake.settings import Settings

if __name__ == "__main__":
    run("intake", Settings, build)
