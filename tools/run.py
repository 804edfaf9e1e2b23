"""`make run`: from a bare Python to a running demonstration.

Older Pythons read this file too, so that they can say what is missing.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (those are the ones to tell)
    sys.exit(
        "This needs Python 3.11 or newer, and "
        + sys.executable
        + " is Python "
        + ".".join(str(part) for part in sys.version_info[:3])
        + ": install a newer one, or name it with 'make run PYTHON=python3.11'."
    )

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
from tools import demo

if __name__ == "__main__":
    sys.exit(demo.main())
