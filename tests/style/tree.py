"""The files of the repository that the rules look at, read once.

The tree is walked, not asked of git: an unpacked archive has no .git, a bare machine no git.
"""

import os
from pathlib import Path

_SKIPPED = {"build", "node_modules", "__pycache__", "corpus", "venv"}
_HIDDEN_BUT_OURS = {".ci", ".clang-format", ".clang-tidy", ".dockerignore", ".editorconfig",
                    ".gitignore"}


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self._text = {}

    def paths(self, *folders, suffixes=()):
        """Sorted relative paths below `folders` (all of the tree without any)."""
        found = []
        for start in folders or (".",):
            for folder, names, files in os.walk(self.root / start):
                names[:] = sorted(name for name in names if self._is_ours(name))
                for name in files:
                    if self._is_ours(name) and (not suffixes or name.endswith(suffixes)):
                        found.append((Path(folder) / name).relative_to(self.root).as_posix())
        return sorted(found)

    def cpp(self, *folders):
        return self.paths(*folders, suffixes=(".cpp", ".hpp"))

    def folders(self, path):
        """Names of the folders directly below `path`."""
        start = self.root / path
        if not start.is_dir():
            return []
        return sorted(entry.name for entry in start.iterdir()
                      if entry.is_dir() and self._is_ours(entry.name))

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

    @staticmethod
    def _is_ours(name):
        if name in _SKIPPED:
            return False
        return not name.startswith(".") or name in _HIDDEN_BUT_OURS
