"""The dependency graph as src/CMakeLists.txt states it."""

import re

_COMMENT = re.compile(r"#[^\n]*")
_CALL = re.compile(r"\b(sluicegate_module|add_executable|target_link_libraries)\s*\(([^()]*)\)")
_KEYWORDS = {"SOURCES", "USES", "LINKS", "PUBLIC", "PRIVATE", "INTERFACE"}


class Module:
    def __init__(self, uses=(), sources=()):
        self.uses = set(uses)
        self.sources = set(sources)


def _sections(words):
    """['base', 'SOURCES', 'a.cpp', 'USES', 'x'] -> {'': ['base'], 'SOURCES': ['a.cpp'], ...}"""
    sections = {"": []}
    key = ""
    for word in words:
        if word in _KEYWORDS:
            key = word
            sections.setdefault(key, [])
        else:
            sections[key].append(word)
    return sections


def parse(cmake_text):
    """Module name -> Module. The executable `sluicegate` is the module `cli`: it uses base and
    the libraries that it links."""
    graph = {}
    for function, arguments in _CALL.findall(_COMMENT.sub("", cmake_text)):
        words = arguments.split()
        if not words:
            continue
        if function == "sluicegate_module":
            sections = _sections(words[1:])
            graph[words[0]] = Module(sections.get("USES", ()), sections.get("SOURCES", ()))
        elif words[0] == "sluicegate":
            cli = graph.setdefault("cli", Module(uses={"base"}))
            for word in words[1:]:
                if word.startswith("sluicegate_") and word != "sluicegate_flags":
                    cli.uses.add(word.removeprefix("sluicegate_"))
                elif word.startswith("cli/"):
                    cli.sources.add(word.removeprefix("cli/"))
    return graph
