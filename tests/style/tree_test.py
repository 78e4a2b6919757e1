import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_tree
from tree import Tree

GRAPH = "sluicegate_module(base SOURCES clock.cpp)\n"
FILES = {"src/CMakeLists.txt": GRAPH, "src/base/clock.cpp": "int a;\n", "README.md": "text\n",
         "tools/packages.sh": "packages_build=(g++)\n",
         "docker/Dockerfile": "RUN apt-get install g++ && true\n",
         "tests/CMakeLists.txt": "add_subdirectory(base)\n",
         "tests/base/CMakeLists.txt": "sluicegate_test(base SOURCES clock_test.cpp)\n",
         "tests/base/clock_test.cpp": "int b;\n"}
# What people leave in a tree: a log, backups of an editor, notes, a folder of experiments.
STRAY = {"notes.md": "a [link](nowhere.md)\r\n", "src/base/clock.cpp.orig": "x \n",
         "src/base/old.cpp": "\tint a; \r\n", "run.yaml": "a:\tb\r\n",
         "tests/mine/try_test.cpp": "int c;"}


def write(root, files):
    for path, text in files.items():
        file = Path(root) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def git(root, *arguments):
    subprocess.run(("git", "-C", root, *arguments), check=True, capture_output=True)


class WithoutGit(unittest.TestCase):
    def test_the_tree_is_walked(self):
        with tempfile.TemporaryDirectory() as root:
            write(root, {**FILES, ".git/config": "", "build/a.cpp": "", ".ci/run": ""})
            shutil.rmtree(Path(root) / ".git")
            self.assertEqual(Tree(root).paths(), sorted([*FILES, ".ci/run"]))
            self.assertEqual(Tree(root).folders("tests"), ["base"])

    def test_a_stray_file_counts(self):
        with tempfile.TemporaryDirectory() as root:
            write(root, {**FILES, **STRAY})
            self.assertIn("run.yaml", [problem.path for problem in check_tree.check(root)])


@unittest.skipUnless(shutil.which("git"), "no git here")
class WithGit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        write(self.root, FILES)
        git(self.root, "init", "-q")
        git(self.root, "add", ".")

    def test_stray_files_break_no_rule(self):
        write(self.root, STRAY)
        self.assertEqual(check_tree.check(self.root), [])
        self.assertEqual(Tree(self.root).folders("tests"), ["base"])

    def test_a_file_counts_once_it_is_added(self):
        write(self.root, STRAY)
        git(self.root, "add", ".")
        self.assertEqual({problem.path for problem in check_tree.check(self.root)},
                         {"notes.md", "src/base/old.cpp", "run.yaml", "tests/mine",
                          "tests/mine/try_test.cpp"})

    def test_an_edit_counts_before_it_is_added(self):
        write(self.root, {"src/base/clock.cpp": "int a; \n"})
        self.assertEqual([problem.rule for problem in check_tree.check(self.root)],
                         ["trailing-space"])

    def test_a_file_deleted_but_still_tracked_is_not_read(self):
        (Path(self.root) / "README.md").unlink()
        self.assertEqual(check_tree.check(self.root), [])

    def test_a_tree_inside_of_another_repository_is_walked(self):
        inner = Path(self.root) / "vendor" / "sluicegate"
        write(inner, FILES)
        self.assertEqual(Tree(inner).paths(), sorted(FILES))


if __name__ == "__main__":
    unittest.main()
