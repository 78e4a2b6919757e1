"""What the Python files of clients/ share: where the gateway is, what its provider says, and the
run of their cases."""

import os

URL = os.environ["SLUICEGATE_URL"]
KEY = os.environ["SLUICEGATE_KEY"]
PROMPT = "a-prompt-nobody-may-log"
GREETING = "Hello from the upstream."
FORECAST = "It is sunny in Paris."
LONG = "".join(f"{number} grüße ☕ " for number in range(3000))
VECTOR = [0.25, -0.5, 0.75]
COMPLETE_ENDS = ["no-done", "silent-end", "until-close"]
BROKEN_STREAMS = ["error-in-chunk", "dies-mid-stream"]

_cases = []


def case(function):
    _cases.append(function)
    return function


def without(name, reason):
    def tell():
        print(f"without {name}: {reason}", flush=True)
    tell.is_missing = True
    _cases.append(tell)


def raised(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def run():
    for function in _cases:
        function()
        if not hasattr(function, "is_missing"):
            print("ok", function.__name__, flush=True)
