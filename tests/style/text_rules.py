"""How every text file looks: line length, white space, head of a header, no leftovers."""

import re

from problem import Problem

RULES = ("line-length", "tab", "trailing-space", "final-newline", "carriage-return", "leftover",
         "pragma-once", "head-comment", "using-namespace", "sleeping-test", "ignored-test",
         "plain-word")

LINE_LENGTH_MAX = 100
_MEASURED = (".cpp", ".hpp", ".py", ".js", ".mjs", ".cmake", ".sh", "CMakeLists.txt")
_LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
_USING_NAMESPACE = re.compile(r"^\s*using\s+namespace\b")
_SLEEPING = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|system_clock::now)\b")
_ARCHAIC = re.compile(r"\b(whoever|whomever|nobody|somebody|wherever|thereof)\b", re.IGNORECASE)
_IGNORED = re.compile(r"\b(GTEST_SK" r"IP\b|DISAB" r"LED_)")
# What the project writes; other files in the tree are data, or notes of a developer.
_TEXT = (".cpp", ".hpp", ".py", ".js", ".mjs", ".cmake", ".sh", ".md", ".yaml", ".yml", ".json",
         ".service", "CMakeLists.txt", "Dockerfile", ".dockerignore", ".clang-tidy",
         ".clang-format", ".gitignore", ".editorconfig")

# Where plain English is required; elsewhere only in comments of C++, because the data of tests may
# hold any word.
_PLAIN = ("src/", "include/", "docs/")
_COMMENT = re.compile(r"^\s*//")
_CODE = (".cpp", ".hpp")

# Files whose blemishes a test needs.
_TEST_DATA = ("tests/config/bad/",)


def _check_lines(path, text, problems):
    is_plain = path.startswith(_PLAIN)
    measured = path.endswith(_MEASURED) or path in {"dev", ".ci/run"}
    for number, line in enumerate(text.split("\n"), 1):
        if measured and len(line) > LINE_LENGTH_MAX and 'R"' not in line:
            problems.append(Problem(path, number, "line-length",
                                    f"{len(line)} characters, at most {LINE_LENGTH_MAX}"))
        if "\t" in line:
            problems.append(Problem(path, number, "tab", "a tab"))
        if "\r" in line:
            problems.append(Problem(path, number, "carriage-return", "a carriage return"))
        elif line.rstrip() != line:
            problems.append(Problem(path, number, "trailing-space", "white space at the end"))
        is_comment = path.endswith(_CODE) and _COMMENT.match(line)
        archaic = _ARCHAIC.search(line) if is_plain or is_comment else None
        if archaic:
            problems.append(Problem(path, number, "plain-word",
                                    f'"{archaic.group()}": name the one who acts, as in '
                                    '"a client that ..."'))
        if _LEFTOVER.search(line):
            problems.append(Problem(path, number, "leftover", "unfinished work, marked as such"))
    if text and not text.endswith("\n"):
        problems.append(Problem(path, text.count("\n") + 1, "final-newline",
                                "no newline at the end"))


def _check_header(path, text, problems):
    lines = text.split("\n")
    if lines[0] != "#pragma once":
        problems.append(Problem(path, 1, "pragma-once", "a header begins with #pragma once"))
    elif not lines[1].startswith("//"):
        problems.append(Problem(path, 2, "head-comment",
                                "the second line begins the comment that says what this is"))
    for number, line in enumerate(lines, 1):
        if _USING_NAMESPACE.match(line):
            problems.append(Problem(path, number, "using-namespace",
                                    "a header opens no namespace to all who include it"))


def _check_unit_test(path, text, problems):
    for number, line in enumerate(text.split("\n"), 1):
        if _SLEEPING.search(line):
            problems.append(Problem(path, number, "sleeping-test",
                                    "a unit test neither sleeps nor reads the wall clock: hand "
                                    "the time in, or wait for an event with a deadline"))
        if _IGNORED.search(line):
            problems.append(Problem(path, number, "ignored-test",
                                    "a test that does not run shows nothing"))


def check(tree):
    problems = []
    for path in tree.paths():
        if not path.endswith(_TEXT) and path not in {"dev", ".ci/run"}:
            continue
        text = tree.text(path)
        if text is None or path.startswith(_TEST_DATA):
            continue
        _check_lines(path, text, problems)
        if path.endswith(".hpp"):
            _check_header(path, text, problems)
        if path.startswith("tests/") and path.endswith("_test.cpp"):
            _check_unit_test(path, text, problems)
    return problems
