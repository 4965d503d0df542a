"""The table of the systems that attnc must run (README.md): which cases show each, and how exactly the engines meet them.

A row of the table: | name | system | cases | runs | package | reference |. The first three cells are written by hand; cases are
patterns FOLDER or FOLDER/CASE. The others are what a run of tools/conformance finds: how many cases passed, and the worst error of
each engine, rounded up to 1, 2 or 5; `no` where a case fails or there is none."""
import fnmatch
import math
import re

ENGINES = ("package", "reference")
ROW = re.compile(r"^\| *([ABCD]\d+) *\|")
NAMES = [f"{letter}{n}" for letter, first, last in (("A", 0, 17), ("B", 1, 11), ("C", 1, 35), ("D", 1, 5)) for n in range(first, last + 1)]


def rounded(error):
    """The next of 1, 2, 5 times a power of ten, as text."""
    if error == 0:
        return "equal"
    power = 10.0 ** math.floor(math.log10(error))
    return f"{next(x * power for x in (1, 2, 5, 10) if x * power >= error * (1 - 1e-9)):.0e}"


def matches(pattern, folder, case):
    return fnmatch.fnmatch(f"{folder}/{case}", pattern if "/" in pattern else pattern + "/*")


class Table:
    def __init__(self, path):
        self.path = path
        self.lines = path.read_text().splitlines()
        self.rows = {}                                       # name: (line, cells)
        for at, line in enumerate(self.lines):
            if found := ROW.match(line):
                self.rows[found[1]] = (at, [cell.strip() for cell in line.strip("|").split("|")])

    def patterns(self, name):
        return re.findall(r"`([^`]+)`", self.rows[name][1][2])

    def shows(self, name, folder, case):
        return any(matches(p, folder, case) for p in self.patterns(name))

    def claims(self, engine, folder, case):
        """Whether a row says that this case passes."""
        column = 4 + ENGINES.index(engine)
        return any(cells[column] != "no" and self.shows(name, folder, case) for name, (_, cells) in self.rows.items())

    def found(self, name, results):
        """The last three cells of a row by results, {(engine, folder, case): (passed, error)}."""
        cells, passed = [], set()
        for engine in ENGINES:
            mine = {case: r for (e, folder, case), r in results.items() if e == engine and self.shows(name, folder, case)}
            good = mine and all(ok for ok, _ in mine.values())
            cells.append(rounded(max(error for _, error in mine.values())) if good else "no")
            passed |= set(mine) if good else set()
        return [str(len(passed) or "-"), *cells]

    def problems(self, results):
        """Sentences: rows that are missing, folders in no row, cells that do not say what was found. An error may be up to ten times
        what its cell says (processors differ)."""
        out = [f"there is no row {name}" for name in NAMES if name not in self.rows]
        for folder, case in sorted({key[1:] for key in results}):
            if not any(self.shows(name, folder, case) for name in self.rows):
                out.append(f"{folder}/{case} is in no row")
        number = lambda cell: 1e-16 if cell == "equal" else float(cell)
        for name, (_, cells) in self.rows.items():
            said, found = cells[3:6], self.found(name, results)
            for engine, a, b in zip(("cases", *ENGINES), said, found):
                if a != b and (engine == "cases" or "no" in (a, b) or number(b) > 10.01 * number(a)):
                    out.append(f"row {name}, {engine}: the table says {a}, found {b}")
        return out

    def update(self, results):
        """Rows all of whose cases were run are written, others stay."""
        run = {key[1:] for key in results}
        for name, (at, cells) in self.rows.items():
            if all(any(matches(p, *where) for where in run) for p in self.patterns(name)):
                self.lines[at] = "| " + " | ".join(cells[:3] + self.found(name, results)) + " |"
        self.path.write_text("\n".join(self.lines) + "\n")
