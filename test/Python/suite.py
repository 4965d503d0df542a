"""suite.py FILE [PART/PARTS]: runs a file's tests, or every PARTS-th of them from PART on, in one process; ends with what took longest."""
import pathlib
import resource
import sys
import time
import unittest


class Timed(unittest.TextTestResult):
    """Knows how long each test ran."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seconds = {}

    def startTest(self, test):
        super().startTest(test)
        self.seconds[test.id()] = -time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.seconds[test.id()] += time.monotonic()


def flat(tests):
    for test in tests:
        yield from flat(test) if isinstance(test, unittest.TestSuite) else [test]


def main(file, share="0/1"):
    sys.path.insert(0, str(pathlib.Path(file).resolve().parent))
    part, parts = map(int, share.split("/"))
    tests = list(flat(unittest.defaultTestLoader.loadTestsFromName(pathlib.Path(file).stem)))[part::parts]
    result = unittest.TextTestRunner(resultclass=Timed).run(unittest.TestSuite(tests))
    slowest = sorted(result.seconds.items(), key=lambda entry: -entry[1])[:5]
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"{sum(t.ru_utime + t.ru_stime for t in times):.0f} s of a core", end="; ")
    print("slowest: " + ", ".join(f"{name.rpartition('.')[2]} {seconds:.0f} s" for name, seconds in slowest))
    return not result.wasSuccessful()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
