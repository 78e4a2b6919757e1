"""C++ source reduced to what the rules look at: tokens with line numbers.

A small scanner, not a parser: comments vanish, literals become one token, raw strings are
understood. That is enough to find statements, braces and includes.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*(?:\\\n[^\n]*)*|/\*.*?\*/)
    | (?P<raw>(?:u8|u|U|L)?R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")
    | (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*")
    | (?P<directive>^[ \t]*\#(?:\\\n|//[^\n]*|/\*.*?\*/|[^\n])*)
    | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
    | (?P<character>(?:u8|u|U|L)?'(?:\\.|[^'\\\n])+')
    | (?P<word>[A-Za-z_]\w*)
    | (?P<symbol>::|->|&&|\|\||[^\s\w])
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]')


@dataclass(frozen=True)
class Token:
    text: str
    line: int
    kind: str  # word, symbol, number, literal


@dataclass(frozen=True)
class Include:
    path: str
    line: int
    is_quoted: bool


def _scan(source):
    """Yields (kind, text, line) for everything but white space."""
    line = 1
    position = 0
    for match in _TOKEN.finditer(source):
        line += source.count("\n", position, match.start())
        position = match.start()
        yield match.lastgroup, match.group(), line


def tokens(source):
    """Every token outside comments and preprocessor lines."""
    literal = {"raw", "delimiter", "string", "character"}
    return [
        Token(text, line, "literal" if kind in literal else kind)
        for kind, text, line in _scan(source)
        if kind not in {"comment", "directive"}
    ]


def includes(source):
    found = []
    for kind, text, line in _scan(source):
        match = _INCLUDE.match(text) if kind == "directive" else None
        if match:
            found.append(Include(match.group(2), line, match.group(1) == '"'))
    return found


def has_code(source):
    """True when something other than comments and preprocessor lines stands in the file."""
    return bool(tokens(source))


def matching(stream, index):
    """Index of the bracket that closes the one at `index`; len(stream) when nothing does."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    opening = stream[index].text
    closing = pairs[opening]
    depth = 0
    for position in range(index, len(stream)):
        if stream[position].text == opening:
            depth += 1
        elif stream[position].text == closing:
            depth -= 1
            if depth == 0:
                return position
    return len(stream)
