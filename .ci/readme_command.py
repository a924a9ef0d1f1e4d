"""Prints one of the two commands of the README: `readme_command.py README.md 1`."""

import re
import sys
from pathlib import Path

text, number = Path(sys.argv[1]).read_text(encoding="utf-8"), int(sys.argv[2])
section = re.search(r"^## Two commands$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
commands = re.findall(r"^```bash\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL) if section else []
if len(commands) != 2:  # noqa: PLR2004 - the README promises two
    sys.exit(f"{sys.argv[1]} has {len(commands)} commands in its section 'Two commands'")
print(commands[number - 1].strip())
