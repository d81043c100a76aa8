"""Counts mypy's errors in all of newsbot: `make lint` fails when there are more than before."""

import re
import subprocess
import sys

MOST = 724  # errors; when you leave fewer, write that number here


def main() -> int:
    """0, or 1 where there are more errors than there were."""
    command = [sys.executable, "-m", "mypy", "--follow-imports=normal", "newsbot"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"^Found (\d+) errors? in|^Success", told, re.MULTILINE)
    if found is None:
        print(told)
        return 1
    number = int(found[1] or 0)
    print(f"{number} errors of types in all of newsbot; {MOST} are allowed")
    if number > MOST:
        print("\n".join(told.splitlines()[-40:]))
    elif number < MOST:
        print(f"write MOST = {number} in {__file__}")
    return int(number > MOST)


if __name__ == "__main__":
    sys.exit(main())
