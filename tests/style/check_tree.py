"""Holds the repository to its house style: python3 tests/style/check_tree.py [ROOT].

Prints every problem as path:line: message [rule]; exit status 1 when there is one.
"""

import sys
from pathlib import Path

import coroutine_rules
import doc_rules
import include_rules
import listing_rules
import package_rules
import text_rules
from tree import Tree

RULE_FILES = (include_rules, coroutine_rules, text_rules, doc_rules, listing_rules,
              package_rules)


def check(root):
    tree = Tree(root)
    return sorted(problem for rules in RULE_FILES for problem in rules.check(tree))


def main(arguments):
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    if not (root / "src" / "CMakeLists.txt").is_file():
        print(f"{root} has no src/CMakeLists.txt: not the root of sluicegate", file=sys.stderr)
        return 2
    problems = check(root)
    for problem in problems:
        print(problem)
    count = sum(len(rules.RULES) for rules in RULE_FILES)
    print(f"style: {count} rules, {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
