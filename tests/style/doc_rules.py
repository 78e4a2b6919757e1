"""The documents: links that lead somewhere, examples that a test runs."""

import re
from posixpath import dirname, join, normpath

from problem import Problem

RULES = ("dead-link", "unmarked-example", "repeated-example")

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^\s*```(\S*)\s*(.*)$")
_EXAMPLE = re.compile(r"^example=([a-z][a-z0-9-]*)$")
_RUNNABLE = {"sh", "bash", "console", "python", "js", "javascript"}


def _check_fence(path, number, language, rest, seen, problems):
    match = _EXAMPLE.match(rest)
    if not match:
        # README.md is what a newcomer pastes from: all of it runs in a test
        if path == "README.md" and language in _RUNNABLE:
            problems.append(Problem(path, number, "unmarked-example",
                                    "mark it example=NAME, so that the end-to-end tests run it, "
                                    "or tag it text"))
    elif match.group(1) in seen:
        problems.append(Problem(path, number, "repeated-example",
                                f"example={match.group(1)} stands above already"))
    else:
        seen.add(match.group(1))


def check(tree):
    problems = []
    for path in tree.paths(suffixes=(".md",)):
        inside = False
        seen = set()
        for number, line in enumerate((tree.text(path) or "").split("\n"), 1):
            fence = _FENCE.match(line)
            if fence:
                if not inside:
                    _check_fence(path, number, *fence.groups(), seen, problems)
                inside = not inside
                continue
            for target in _LINK.findall("" if inside else line):
                file = target.split("#")[0]
                if not file or "://" in target or target.startswith("mailto:"):
                    continue
                if not (tree.root / normpath(join(dirname(path), file))).exists():
                    problems.append(Problem(path, number, "dead-link",
                                            f"there is no {target}"))
    return problems
