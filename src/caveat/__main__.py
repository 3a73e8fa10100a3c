"""`python -m caveat` is the same as `caveat`."""

import sys

from caveat.cli import main

sys.exit(main())
