"""The files of the repository that the rules look at, read once.

With git at hand these are the files that git tracks, so that a stray file of the user's breaks no
rule. An unpacked archive has no .git, and a bare machine no git: there the tree is walked.
"""

import os
import subprocess
from pathlib import Path

_SKIPPED = {"build", "node_modules", "__pycache__", "corpus", "venv"}
_HIDDEN_BUT_OURS = {".ci", ".clang-format", ".clang-tidy", ".dockerignore", ".editorconfig",
                    ".gitignore"}


def _git(root, *arguments):
    """What git prints; None where there is no git, or no repository that it will read."""
    try:
        return subprocess.run(("git", "-C", root, *arguments), capture_output=True, check=True,
                              encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _tracked(root):
    """Relative paths of the tracked files; None when `root` is not the root of a repository."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top.rstrip("\n")).resolve() != root.resolve():
        return None
    listed = _git(root, "ls-files", "-z")
    return None if listed is None else [path for path in listed.split("\0") if path]


def _walked(root):
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if _is_ours(name)]
        for name in files:
            yield (Path(folder) / name).relative_to(root).as_posix()


def _is_ours(name):
    if name in _SKIPPED:
        return False
    return not name.startswith(".") or name in _HIDDEN_BUT_OURS


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        tracked = _tracked(self.root)
        self._paths = sorted(
            path for path in (_walked(self.root) if tracked is None else tracked)
            if all(map(_is_ours, path.split("/"))) and (self.root / path).is_file())
        self._text = {}

    def paths(self, *folders, suffixes=()):
        """Sorted relative paths below `folders` (all of the tree without any)."""
        starts = tuple(folder.rstrip("/") + "/" for folder in folders) or ("",)
        return [path for path in self._paths
                if path.startswith(starts) and (not suffixes or path.endswith(suffixes))]

    def cpp(self, *folders):
        return self.paths(*folders, suffixes=(".cpp", ".hpp"))

    def folders(self, path):
        """Names of the folders directly below `path`."""
        depth = path.count("/") + 1
        parts = (found.split("/") for found in self.paths(path))
        return sorted({names[depth] for names in parts if len(names) > depth + 1})

    def exists(self, path):
        return (self.root / path).is_file()

    def text(self, path):
        """Content of a file; None when it is not UTF-8 (then it is data, not text)."""
        if path not in self._text:
            try:
                # newline="": a carriage return must reach the rule that forbids it
                with open(self.root / path, encoding="utf-8", newline="") as file:
                    self._text[path] = file.read()
            except UnicodeDecodeError:
                self._text[path] = None
        return self._text[path]
