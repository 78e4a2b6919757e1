"""What g++ 12 gets wrong around co_await, and the faults of lambda coroutines.

g++ 12.2 destroys a brace-built aggregate temporary twice when it stands in the same statement as
co_await: a double free. A named variable, parentheses, or a function's result are fine. The frame
of a lambda coroutine refers to the lambda's captures, which usually die before it.
"""

import cpp_text
from problem import Problem

RULES = ("brace-temporary", "one-await", "lambda-coroutine")

_COROUTINE_WORDS = {"co_await", "co_return", "co_yield"}
_BLOCK_AFTER = {")", ";", "{", "}", ":", "]", "else", "do", "try", "noexcept", "const", "override",
                "final", "mutable", "constexpr"}
_TYPE_HEADS = {"struct", "class", "union", "enum", "namespace", "extern", "concept"}
# After one of these words a `[` opens a lambda or an attribute, not a subscript.
_BEFORE_LAMBDA = {"return", "co_return", "co_await", "co_yield", "case", "else", "throw"}


def _opens_block(statement, stream):
    """Whether a `{` that follows the tokens of `statement` opens a block, not an initialiser."""
    if not statement:
        return True
    texts = [stream[index].text for index in statement]
    if texts[-1] in _BLOCK_AFTER:
        return True
    if _TYPE_HEADS & set(texts):
        return True
    # a trailing return type: the last `->` follows the `)` or `]` of a function's head
    for position in range(len(texts) - 1, 0, -1):
        if texts[position] == "->":
            return texts[position - 1] in {")", "]", "noexcept", "mutable"} and _is_type(
                texts[position + 1:])
    return False


def _is_type(texts):
    return bool(texts) and all(text.isidentifier() or text in "::<>,*&()" for text in texts)


def _is_named(statement, stream):
    """`Type name` before a brace: the brace builds a variable, not a temporary."""
    if len(statement) < 2:
        return False
    name, before = stream[statement[-1]], stream[statement[-2]]
    if name.kind != "word" or name.text in _BEFORE_LAMBDA:
        return False
    if before.text in {">", "*", "&", "&&"}:
        return before.text == ">" or len(statement) >= 3
    return before.kind == "word" and before.text not in _BEFORE_LAMBDA


class _Statement:
    def __init__(self):
        self.tokens = []  # indices into the stream
        self.temporaries = []  # indices of `{` that build a temporary
        self.awaits = []
        self.depth = 0  # open parentheses

    def add(self, index, token):
        self.tokens.append(index)
        if token.text == "co_await":
            self.awaits.append(index)
        self.depth += (token.text == "(") - (token.text == ")")


def _statements(stream):
    """Splits at `;` and at the braces of blocks; the braces of initialisers stay inside, and a
    lambda's body among the arguments of a call interrupts the call's statement only."""
    current = _Statement()
    # for each open brace: "initialiser", "block", or the statement that goes on after it
    open_braces = []
    for index, token in enumerate(stream):
        if token.text == ";":
            yield current
            current = _Statement()
        elif token.text == "{" and _opens_block(current.tokens, stream):
            if current.depth > 0:
                open_braces.append(current)
            else:
                open_braces.append("block")
                yield current
            current = _Statement()
        elif token.text == "{":
            is_nested = bool(open_braces) and open_braces[-1] == "initialiser"
            if is_nested or not _is_named(current.tokens, stream):
                current.temporaries.append(index)
            open_braces.append("initialiser")
            current.add(index, token)
        elif token.text == "}":
            closed = open_braces.pop() if open_braces else "block"
            if closed == "initialiser":
                current.add(index, token)
                continue
            yield current
            current = closed if isinstance(closed, _Statement) else _Statement()
        else:
            current.add(index, token)
    yield current


def _check_statements(path, stream, problems):
    for statement in _statements(stream):
        if not statement.awaits:
            continue
        for index in statement.temporaries:
            problems.append(Problem(
                path, stream[index].line, "brace-temporary",
                "a value built with braces in the same statement as co_await is destroyed twice "
                "by g++ 12: name it first, or use parentheses"))
        if len(statement.awaits) > 1:
            problems.append(Problem(path, stream[statement.awaits[1]].line, "one-await",
                                    "one co_await per statement"))


def _lambda_body(stream, index):
    """(captures, first, last) of the lambda whose `[` stands at `index`; None for a subscript,
    an attribute or a structured binding."""
    before = stream[index - 1] if index else None
    if before is not None:
        is_value = before.kind in {"word", "literal", "number"} or before.text in {")", "]", "}"}
        if (is_value and before.text not in _BEFORE_LAMBDA and before.text != "}") \
                or before.text == "[":
            return None
    if index + 1 < len(stream) and stream[index + 1].text == "[":
        return None
    end = cpp_text.matching(stream, index)
    captures = stream[index + 1:end]
    position = end + 1
    if position >= len(stream) or stream[position].text not in {
            "(", "{", "<", "mutable", "noexcept", "-", "->", "constexpr"}:
        return None
    while position < len(stream) and stream[position].text not in {"{", ";", ")", "="}:
        position = cpp_text.matching(stream, position) + 1 \
            if stream[position].text == "(" else position + 1
    if position >= len(stream) or stream[position].text != "{":
        return None
    return captures, position, cpp_text.matching(stream, position)


def _check_lambdas(path, stream, problems):
    lambdas = [(index, found) for index, token in enumerate(stream) if token.text == "["
               for found in [_lambda_body(stream, index)] if found]
    for index, (captures, first, last) in lambdas:
        inner = [(begin, end) for other, (_, begin, end) in lambdas
                 if first < other and end < last]
        is_coroutine = any(
            stream[position].text in _COROUTINE_WORDS
            and not any(begin < position < end for begin, end in inner)
            for position in range(first, min(last, len(stream))))
        if is_coroutine and captures:
            problems.append(Problem(
                path, stream[index].line, "lambda-coroutine",
                "a lambda coroutine with captures outlives them: write a function"))


def check(tree):
    problems = []
    for path in tree.cpp("src", "include", "tests"):
        text = tree.text(path) or ""
        if not any(word in text for word in _COROUTINE_WORDS):
            continue
        stream = cpp_text.tokens(text)
        _check_statements(path, stream, problems)
        _check_lambdas(path, stream, problems)
    return problems
