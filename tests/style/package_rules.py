"""The packages that building takes are named twice, for ./dev and for the image: alike."""

import re

from problem import Problem

RULES = ("package-lists",)

_DEV = re.compile(r"^packages_build=\(([^)]*)\)", re.MULTILINE)
_IMAGE = re.compile(r"apt-get install ([^&]*)&&")
# ./dev asks the daemon whether it is ready with it; the image has no use for it.
_ONLY_DEV = {"curl"}


def _words(pattern, text):
    match = pattern.search(text or "")
    words = match.group(1).replace("\\", " ").split() if match else []
    return {word for word in words if not word.startswith("-")}


def check(tree):
    if not tree.exists("tools/packages.sh") or not tree.exists("docker/Dockerfile"):
        return [Problem("tools/packages.sh", 1, "package-lists",
                        "tools/packages.sh or docker/Dockerfile is not there")]
    dev = _words(_DEV, tree.text("tools/packages.sh")) - _ONLY_DEV
    image = _words(_IMAGE, tree.text("docker/Dockerfile"))
    differing = sorted(dev ^ image)
    if not differing:
        return []
    return [Problem("docker/Dockerfile", 1, "package-lists",
                    f"packages_build and the image differ in {', '.join(differing)}")]
