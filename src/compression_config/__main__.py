"""`python -m compression_config`, and the command `compression-config`."""

import sys

__all__ = ["run"]


def run() -> int:
    """Run the command line and return its exit code. An interrupt during its import ends it like a later one."""
    try:
        from compression_config.cli import main  # noqa: PLC0415 - takes long enough to be interrupted

        return main()
    except KeyboardInterrupt:
        sys.stderr.write("compression-config: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(run())
