"""The table of what runs (test/Models/rows.py): what is wrong in it is found, and writing it mends it. check_rows.py FOLDER"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models"))
import rows

path = pathlib.Path(sys.argv[1]) / "README.md"
path.parent.mkdir(exist_ok=True)
head = "# Title\n\n| row | system | cases | runs | package | reference |\n|---|---|---|---|---|---|\n"
text = {name: f"| {name} | name | - | - | no | no |" for name in rows.NAMES}
text["A2"] = "| A2 | name | `ut`, `other/x*` | 3 | 2e-06 | 1e-15 |"
text["C6"] = "| C6 | name | `fam/causal` | 1 | no | equal |"


def table(**changed):
    path.write_text(head + "\n".join(line for line in {**text, **changed}.values() if line) + "\n\nBelow.\n")
    return rows.Table(path)


good = {(e, f, c): (True, error) for e, error in (("package", 1.7e-6), ("reference", 8e-16)) for f, c in (("ut", "a"), ("ut", "b"), ("other", "x1"))}
good |= {("package", "fam", "causal"): (False, 0.0), ("reference", "fam", "causal"): (True, 0.0)}
assert table().problems(good) == []
assert table().problems({**good, ("package", "ut", "a"): (True, 1.9e-5)}) == []
for changed, results, problem in (
        ({"D5": ""}, good, "there is no row D5"),
        ({}, {**good, ("package", "new", "case"): (True, 0.0)}, "new/case is in no row"),
        ({}, {**good, ("package", "ut", "a"): (True, 2.1e-5)}, "row A2, package: the table says 2e-06, found 5e-05"),
        ({}, {**good, ("package", "ut", "a"): (False, 0.0)}, "row A2, package: the table says 2e-06, found no"),
        ({}, {**good, ("package", "fam", "causal"): (True, 0.0)}, "row C6, package: the table says no, found equal"),
        ({}, {k: v for k, v in good.items() if k[2] != "x1"}, "row A2, cases: the table says 3, found 2")):
    assert table(**changed).problems(results) == [problem], table(**changed).problems(results)
assert table().claims("package", "ut", "a") and not table().claims("package", "fam", "causal") and not table().claims("package", "other", "y")

wrong = table(A2="| A2 | name | `ut`, `other/x*` | - | no | 1e-09 |")
assert len(wrong.problems(good)) == 2, wrong.problems(good)
wrong.update(good)
assert rows.Table(path).problems(good) == [] and path.read_text().endswith("\n\nBelow.\n")
assert [rows.rounded(x) for x in (0, 1e-6, 1.01e-6, 2.5e-6, 6e-6, 9.9e-16)] == ["equal", "1e-06", "2e-06", "5e-06", "1e-05", "1e-15"]
print("the table of rows ok")
