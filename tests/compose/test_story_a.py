"""Story A at the doors of the containers: what `tests/system` asks of the local stack."""

from tests.system.test_story_a import *  # noqa: F403
