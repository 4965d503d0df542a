"""messages.py ROOT: every diagnostic of lib has a test that expects it.

Takes the texts of emitOpError, emitError, emitWarning, emitRemark and notifyMatchFailure (and of the local `error`
helpers of verifiers) in ROOT/lib: the string literals of a statement, in order. A test expects a text if one of its
expectations (an `expected-…` annotation, a FileCheck line, an assertion of a Python or C++ test) has the longest of
them. Names the texts without a test, and fails if there are any.
"""
import pathlib
import re
import sys

CALL = re.compile(r"\b(?:emitOpError|emitError|emitWarning|emitRemark|notifyMatchFailure|error)\((?!\))")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
EXPECTATION = re.compile(r"expected-(?:error|warning|remark|note)|^\s*(?://|#|;)?\s*[A-Z][A-Z0-9_-]*:")
# The interpreter says what it cannot run by its own helper, which takes no diagnostic; its tests are Python.
SKIPPED = {"lib/Reference", "lib/Support", "lib/Package", "lib/Runtime"}
SHORTEST = 5  # a piece such as "got " says nothing


def statements(text):
    """(line, statement) of each diagnostic: from the call to the semicolon outside of literals."""
    for call in CALL.finditer(text):
        end, inside = call.end(), False
        while end < len(text) and (inside or text[end] not in ";{}"):
            if text[end] == "\\":
                end += 1
            elif text[end] == '"':
                inside = not inside
            end += 1
        yield text.count("\n", 0, call.start()) + 1, text[call.start():end]


def pieces(statement):
    """The literals in order; those that only whitespace parts are one."""
    joined = re.sub(r'"\s+"', "", statement)
    return [bytes(piece, "utf-8").decode("unicode_escape") for piece in LITERAL.findall(joined)]


def expectations(root):
    lines = []
    for path in sorted((root / "test").rglob("*")):
        if path.suffix in {".mlir", ".test"}:
            lines += [line for line in path.read_text().splitlines() if EXPECTATION.search(line)]
        elif path.suffix in {".py", ".cpp"} and path.name != "messages.py":
            lines += path.read_text().splitlines()
    return "\n".join(lines).replace('\\"', '"')


def main(root):
    expected = expectations(root)
    texts, missing = 0, []
    for path in sorted((root / "lib").rglob("*.cpp")):
        if any(path.is_relative_to(root / skipped) for skipped in SKIPPED):
            continue
        code = re.sub(r"(?m)^[ \t]*//.*$", "", path.read_text())
        for line, statement in statements(code):
            longest = max(pieces(statement), key=len, default="")
            if len(longest.strip()) < SHORTEST:
                continue
            texts += 1
            if longest.strip() not in expected:
                missing.append(f"{path.relative_to(root)}:{line}: no test expects \"{longest.strip()}\"")
    print("\n".join(missing))
    print(f"{texts} texts, {len(missing)} without a test")
    return bool(missing) or texts == 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
