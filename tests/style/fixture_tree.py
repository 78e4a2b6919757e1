"""A small repository in a temporary folder, for the tests of the rules."""

import tempfile
import unittest
from pathlib import Path

from tree import Tree

GRAPH = """
# a comment with (parentheses) and sluicegate_module(ghost)
sluicegate_module(base SOURCES clock.cpp)
sluicegate_module(limit
  SOURCES run_log.cpp  # the log
  USES base)
sluicegate_module(openai USES base LINKS INTERFACE simdjson::simdjson)
sluicegate_module(http USES base)
sluicegate_module(provider SOURCES fields.cpp USES openai http base)
sluicegate_module(gateway SOURCES path.cpp USES provider http openai limit base)
add_executable(sluicegate cli/main.cpp)
target_link_libraries(sluicegate PRIVATE sluicegate_flags sluicegate_gateway)
"""


class RuleTest(unittest.TestCase):
    """problems(rules, files) and fires(rules, files): the rules on a tree of those files."""

    def problems(self, rules, files):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {"src/CMakeLists.txt": GRAPH, **files}.items():
                file = Path(folder) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode() if isinstance(text, str) else text)
            return rules.check(Tree(folder))

    def fires(self, rules, files):
        return [problem.rule for problem in self.problems(rules, files)]
