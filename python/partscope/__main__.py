"""``python -m partscope`` is the program ``partscope``."""

import os
import subprocess
import sys

from ._binary import find_binary
from ._errors import PartscopeError


def main() -> int:
    try:
        binary = str(find_binary())
    except PartscopeError as error:
        print(f"partscope: {error}", file=sys.stderr)
        return error.exit_code
    command = [binary, *sys.argv[1:]]
    if sys.platform == "win32":
        return subprocess.run(command, check=False).returncode
    os.execv(binary, command)


if __name__ == "__main__":
    sys.exit(main())
