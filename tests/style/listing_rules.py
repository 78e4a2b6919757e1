"""Nothing lies beside the build: every source and every test is named in a CMakeLists.txt."""

import re

import module_graph
from problem import Problem

RULES = ("source-listed", "test-listed", "folder-listed", "mirrors-src")

# Folders of tests/ that mirror no folder of src/.
_OTHER_TESTS = {"behaviour", "bench", "config", "e2e", "fuzz", "mutants", "property", "soak",
                "style", "support"}


def _names(cmake_text, name):
    without_comments = re.sub(r"#[^\n]*", "", cmake_text)
    return re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])", without_comments) is not None


def _check_sources(tree, graph, problems):
    for path in tree.paths("src", suffixes=(".cpp",)):
        parts = path.split("/")
        module = graph.get(parts[1])
        if len(parts) < 3 or module is None or "/".join(parts[2:]) not in module.sources:
            problems.append(Problem(path, 1, "source-listed",
                                    "src/CMakeLists.txt does not name it"))


def _check_tests(tree, graph, problems):
    listed_folders = tree.text("tests/CMakeLists.txt") or ""
    for folder in tree.folders("tests"):
        listing = f"tests/{folder}/CMakeLists.txt"
        if tree.exists(listing) and not _names(listed_folders, folder):
            problems.append(Problem(listing, 1, "folder-listed",
                                    f"tests/CMakeLists.txt has no add_subdirectory({folder})"))
        if folder not in graph and folder not in _OTHER_TESTS:
            problems.append(Problem(f"tests/{folder}", 1, "mirrors-src",
                                    "tests what? There is no such folder in src"))
        text = tree.text(listing) if tree.exists(listing) else ""
        for path in tree.paths(f"tests/{folder}", suffixes=("_test.cpp", "_test.py")):
            name = path.rsplit("/", 1)[1]
            if not _names(text, path.removeprefix(f"tests/{folder}/")) and \
                    not _names(text, name.rsplit(".", 1)[0]):
                problems.append(Problem(path, 1, "test-listed", f"{listing} does not name it"))


def check(tree):
    problems = []
    graph = module_graph.parse(tree.text("src/CMakeLists.txt") or "")
    _check_sources(tree, graph, problems)
    _check_tests(tree, graph, problems)
    return problems
