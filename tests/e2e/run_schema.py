"""Tries the JSON Schema with the validator that Python has for it: config/*.yaml and good test
files must pass, and bad ones fail where a schema can see the fault.

    run_schema.py     starts itself again in the environment of python/jsonschema.txt
"""

import json
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("SLUICEGATE_SDKS", ROOT / "build/e2e")) / "python-jsonschema"

# What a schema sees: the names, what must be there, and the form of a value. Each of these messages
# is one of forms alone; others depend on other values, on files or on the environment.
VISIBLE = re.compile(
    r": unknown key|: must be (a map|a list|one of|openai, |true or false, got [0-9])|: needs "
    r"(address|certificate|private_key|id|sha256|upstream|kind|route|keys)\b"
)


def read(path, yaml):
    """As sluicegate reads it: a date is a text. None for a file that is no YAML."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [(tag, form) for tag, form in rows if not tag.endswith((":timestamp", ":float"))]
            for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        return None


def main():
    import jsonschema
    import yaml

    schema = json.loads((ROOT / "config/sluicegate.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = []
    good = [p for f in ("config", "tests/config/good") for p in sorted((ROOT / f).glob("*.yaml"))]
    for path in good:
        for error in validator.iter_errors(read(path, yaml)):
            wrong.append(f"{path}: {error.json_path}: {error.message}")
    seen = 0
    for path in sorted((ROOT / "tests/config/bad").glob("*.yaml")):
        with path.open("rb") as file:
            expected = file.readline().decode(errors="replace")
        # What stands in an included file is not in this one.
        if not VISIBLE.search(expected) or "expect: files/" in expected:
            continue
        document = read(path, yaml)
        if document is None:
            continue
        seen += 1
        if validator.is_valid(document):
            wrong.append(f"{path}: the schema takes it: {expected.strip()}")
    print(f"{len(good)} good files, {seen} bad ones with a fault that a schema sees")
    if len(good) < 6 or seen < 20:
        wrong.append("too few files")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    python = FOLDER / "bin/python"
    if pathlib.Path(sys.prefix).resolve() != FOLDER.resolve():
        if not python.exists():
            print("SKIPPED: python/jsonschema.txt is not installed")
            sys.exit(77)
        os.execv(python, [str(python), "-B", __file__])
    sys.exit(main())
