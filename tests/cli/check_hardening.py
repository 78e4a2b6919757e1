"""check_hardening.py BINARY: the release binary has what makes an attack on it harder."""

import re
import subprocess
import sys


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *arguments], check=True, text=True,
                          capture_output=True).stdout


def missing(binary):
    """Yields what the binary lacks."""
    header = readelf("--file-header", binary)
    dynamic = readelf("--dynamic", binary)
    segments = readelf("--segments", binary)
    imported = set(re.findall(r" UND (\S+?)(?:@\S+)?(?: \(\d+\))?$", readelf("--dyn-syms", binary),
                              re.MULTILINE))
    if not (re.search(r"Type:\s+DYN", header) and re.search(r"FLAGS_1.*\bPIE\b", dynamic)):
        yield "it is no position-independent executable (-fPIE -pie)"
    if not re.search(r"FLAGS_1.*\bNOW\b", dynamic):
        yield "it binds its symbols lazily (-z now)"
    if "GNU_RELRO" not in segments:
        yield "its relocations stay writable (-z relro)"
    stack = re.search(r"GNU_STACK.*?\s([RWE ]{3})\s+0x\S+$", segments, re.MULTILINE)
    if not stack or "E" in stack.group(1):
        yield "its stack is executable (-z noexecstack)"
    if "__stack_chk_fail" not in imported:
        yield "no function guards its return address (-fstack-protector)"
    if not any(name.endswith("_chk") for name in imported):
        yield "no call checks the size of its buffer (_FORTIFY_SOURCE)"


def main():
    problems = list(missing(sys.argv[1]))
    for problem in problems:
        print(f"{sys.argv[1]}: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
