"""What the tests of training share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for `training_people` and `training_world`
