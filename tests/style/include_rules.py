"""Which folder may include what: the graph of src/CMakeLists.txt and the table below."""

from posixpath import dirname, normpath

import cpp_text
import module_graph
from problem import Problem

RULES = ("folders", "direction", "private-header", "third-party", "heavy-header",
         "own-header-first", "umbrella", "cpp-included", "reaches-asio", "circle", "folder-size")

_SOCKET_FOLDERS = {"net", "upstream", "echo", "client", "worker", "gateway", "admin", "app", "cli"}
_RULE_FOLDERS = {"base", "config", "metrics", "limit", "auth", "openai", "route", "http",
                 "provider"}

# Folders that compile without Asio: no header on any path of includes may lead to it.
_WITHOUT_ASIO = _RULE_FOLDERS - {"http"}

# Third-party headers by prefix -> the folders whose files may include them. A library that is not
# here may be used anywhere.
_ALLOWED_IN = (
    ("spdlog/", {"base"}),
    ("yaml.h", {"config"}),
    ("simdjson", {"openai"}),
    ("zlib.h", {"http"}),
    ("zstd.h", {"http"}),
    ("brotli/", {"http"}),
    ("nlohmann/", {"openai", "gateway", "admin", "app", "cli"}),
    ("CLI/", {"cli"}),
    ("openssl/", {"config", "auth", "net", "upstream", "app"}),
    ("boost/asio/buffer.hpp", _SOCKET_FOLDERS | {"http"}),
    ("boost/asio", _SOCKET_FOLDERS),
    ("boost/beast", set()),
    ("boost/url", {"config", "openai", "http", "net", "upstream"}),
    ("sys/socket.h", _SOCKET_FOLDERS),
    ("sys/epoll.h", {"net"}),
    ("poll.h", _SOCKET_FOLDERS),
    ("netdb.h", {"net", "cli"}),
    ("gtest/", set()),
    ("gmock/", set()),
)
# Costly to compile (0.4 s for a small std header, 1 to 3 s for these): kept out of the public
# headers of the rule folders, which everything above them includes.
_HEAVY = ("spdlog/", "yaml.h", "simdjson", "nlohmann/", "openssl/", "boost/asio", "boost/beast")


# The folders whose units (a header with its source) include each other in one direction only.
_WITHOUT_CIRCLES = {"worker", "gateway", "provider", "route", "net"}
# Sources and headers together. The gateway is the path of a request and nothing else.
_FILES_MAX = {"gateway": 26}


def _folder_of(path):
    """src/limit/x.cpp -> limit; include/sluicegate/limit/x.hpp -> limit; else None."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["include", "sluicegate"] and len(parts) > 3:
        return parts[2]
    return None


def _check_public(problems, path, folder, include, graph):
    parts = include.path.split("/")
    if len(parts) < 3:
        problems.append(Problem(path, include.line, "direction",
                                f'"{include.path}" belongs to no folder'))
        return
    used = parts[1]
    if used != folder and used not in graph[folder].uses:
        problems.append(Problem(
            path, include.line, "direction",
            f'{folder} may not include "{include.path}": its line in src/CMakeLists.txt does '
            f"not use {used}"))


def _check_private(problems, path, folder, include, tree):
    """Private headers live in src/<folder> and are for that folder alone."""
    beside = normpath(dirname(path) + "/" + include.path)
    below_src = normpath("src/" + include.path)
    below_root = normpath(include.path)
    for candidate in (beside, below_src, below_root):
        if not tree.exists(candidate) or not candidate.startswith("src/"):
            continue
        owner = _folder_of(candidate)
        if owner != folder:
            problems.append(Problem(path, include.line, "private-header",
                                    f'"{include.path}" is private to src/{owner}'))
        return


def _check_third_party(problems, path, folder, include):
    for prefix, folders in _ALLOWED_IN:
        if include.path.startswith(prefix):
            if folder not in folders:
                problems.append(Problem(path, include.line, "third-party",
                                        f"{folder} may not include <{include.path}>"))
            break
    is_public = path.startswith("include/")
    if is_public and folder in _RULE_FOLDERS and include.path.startswith(_HEAVY):
        problems.append(Problem(path, include.line, "heavy-header",
                                f"<{include.path}> is too costly for a public header of {folder}"))


def _check_own_header_first(problems, path, folder, included, tree):
    stem = path.rsplit("/", 1)[1].removesuffix(".cpp")
    own = [name for name, file in ((f"sluicegate/{folder}/{stem}.hpp",
                                    f"include/sluicegate/{folder}/{stem}.hpp"),
                                   (f"{folder}/{stem}.hpp", f"src/{folder}/{stem}.hpp"),
                                   (f"{stem}.hpp", f"src/{folder}/{stem}.hpp"))
           if tree.exists(file)]
    if own and (not included or included[0].path not in own):
        line = included[0].line if included else 1
        problems.append(Problem(path, line, "own-header-first",
                                f'the first include must be "{own[0]}", which shows that it '
                                "compiles alone"))


def _header_of(include, folder, tree):
    """The file of the tree that an #include names, or None."""
    names = [f"include/{include.path}", f"src/{include.path}", include.path,
             f"src/{folder}/{include.path}"]
    return next((name for name in names if tree.exists(name)), None)


def _way_to_asio(path, tree, known):
    """The includes that lead from a file to Asio: ["include/a.hpp", "boost/asio.hpp"], or None."""
    if path not in known:
        known[path] = None  # a circle leads nowhere
        for include in cpp_text.includes(tree.text(path) or ""):
            if include.path.startswith("boost/asio"):
                known[path] = [include.path]
                break
            header = _header_of(include, _folder_of(path), tree)
            way = _way_to_asio(header, tree, known) if header else None
            if way:
                known[path] = [header] + way
                break
    return known[path]


def _check_reach(problems, path, folder, included, tree, known):
    if folder not in _WITHOUT_ASIO:
        return
    for include in included:
        header = _header_of(include, folder, tree)
        way = _way_to_asio(header, tree, known) if header else None
        if way:
            problems.append(Problem(path, include.line, "reaches-asio",
                                    f"{folder} compiles without Asio, but this leads to it: "
                                    + " -> ".join([header] + way)))


def _check_file(problems, path, tree, graph, known):
    folder = _folder_of(path)
    text = tree.text(path) or ""
    included = cpp_text.includes(text)
    if folder is None or folder not in graph:
        problems.append(Problem(path, 1, "folders",
                                "is in no folder that src/CMakeLists.txt names"))
        return
    for include in included:
        if include.path.endswith((".cpp", ".cc")):
            problems.append(Problem(path, include.line, "cpp-included",
                                    f'"{include.path}" is a source, not a header'))
        elif include.path.startswith("sluicegate/"):
            _check_public(problems, path, folder, include, graph)
        elif include.is_quoted:
            _check_private(problems, path, folder, include, tree)
        _check_third_party(problems, path, folder, include)
    _check_reach(problems, path, folder, included, tree, known)
    if path.endswith(".cpp"):
        _check_own_header_first(problems, path, folder, included, tree)
    elif included and not cpp_text.has_code(text):
        problems.append(Problem(path, included[0].line, "umbrella",
                                "a header that only includes others hides what is used"))


def _unit_of(path):
    """A header and its source are one unit: src/limit/slot.cpp -> limit/slot."""
    folder = _folder_of(path)
    return folder and folder + "/" + path.rsplit("/", 1)[1].rsplit(".", 1)[0]


def _circle_in(units, used_by):
    """The names of units that use each other in a circle, or None."""
    done = set()

    def walk(unit, way):
        if unit in way:
            return way[way.index(unit):] + [unit]
        if unit in done:
            return None
        for used in sorted(used_by[unit]):
            circle = walk(used, way + [unit])
            if circle:
                return circle
        done.add(unit)
        return None

    return next((circle for circle in (walk(unit, []) for unit in sorted(units)) if circle), None)


def _check_circles(problems, paths, tree):
    for folder in sorted({_folder_of(path) for path in paths} & _WITHOUT_CIRCLES):
        files = [path for path in paths if _folder_of(path) == folder]
        used_by = {_unit_of(path): set() for path in files}
        for path in files:
            for include in cpp_text.includes(tree.text(path) or ""):
                header = normpath(_header_of(include, folder, tree) or "")
                used = _folder_of(header) == folder and _unit_of(header)
                if used and used != _unit_of(path):
                    used_by[_unit_of(path)].add(used)
        circle = _circle_in(used_by, used_by)
        if circle:
            problems.append(Problem(files[0], 1, "circle", " -> ".join(circle)))


def _check_size(problems, paths):
    for folder, most in _FILES_MAX.items():
        files = [path for path in paths if _folder_of(path) == folder]
        if len(files) > most:
            problems.append(Problem(files[0], 1, "folder-size",
                                    f"{folder} has {len(files)} files, at most {most}: does it "
                                    "hold a second subject?"))


def check(tree):
    problems = []
    graph = module_graph.parse(tree.text("src/CMakeLists.txt") or "")
    known = {}  # file -> the includes that lead from it to Asio
    for path in tree.cpp("src", "include"):
        _check_file(problems, path, tree, graph, known)
    paths = list(tree.cpp("src", "include"))
    _check_circles(problems, paths, tree)
    _check_size(problems, paths)
    for path in tree.cpp("tests"):
        folder = path.split("/")[1]
        if folder == "fuzz":  # tests/fuzz/http_chunked.cpp links http alone
            folder = path.split("/")[-1].split("_")[0]
        for include in cpp_text.includes(tree.text(path) or ""):
            if include.is_quoted and not include.path.startswith("sluicegate/"):
                _check_private(problems, path, folder, include, tree)
    return problems
