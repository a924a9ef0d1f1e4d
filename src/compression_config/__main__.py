"""`python -m compression_config`: the same as the command `compression-config`."""

import sys

from compression_config.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
