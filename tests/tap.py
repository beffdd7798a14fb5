"""TAP for the tests written in Python: lint scripts call Tap, system tests run unittest through main."""

import sys
import traceback
import unittest


class Tap:
    """Results one by one; finish() prints the plan and gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failures = 0

    def result(self, passed, title, detail="", skip=None):
        self.count += 1
        self.failures += not passed
        word = "ok" if passed else "not ok"
        suffix = f" # SKIP {skip}" if skip is not None else ""
        lines = [f"{word} {self.count} - {title}{suffix}"]
        lines += [f"# {line}" for line in detail.splitlines()]
        print("\n".join(lines), flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failures else 0


class _Result(unittest.TestResult):
    def __init__(self, tap):
        super().__init__()
        self.tap = tap

    @staticmethod
    def _title(test):
        return test.shortDescription() or test.id().split(".", 1)[-1]

    def addSuccess(self, test):
        self.tap.result(True, self._title(test))

    def addSkip(self, test, reason):
        self.tap.result(True, self._title(test), skip=reason)

    def _fault(self, test, error):
        super().addFailure(test, error)
        self.tap.result(False, self._title(test), "".join(traceback.format_exception(*error)))

    addError = addFailure = _fault

    def addSubTest(self, test, subtest, error):
        title = f"{self._title(test)} {subtest._subDescription()}"
        if error:
            self.tap.result(False, title, "".join(traceback.format_exception(*error)))
            self.failures.append((subtest, ""))
        else:
            self.tap.result(True, title)


def main(module="__main__"):
    """Run the module's test cases, or those named on the command line (Class or Class.method)."""
    loader = unittest.TestLoader()
    # In the order in which they are written: that is how a reader thinks of them.
    loader.sortTestMethodsUsing = None
    loader.getTestCaseNames = lambda case: [
        name
        for base in reversed(case.__mro__)
        for name, value in vars(base).items()
        if name.startswith("test") and callable(value)
    ]
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    found = sys.modules[module]
    if names:
        suite = loader.loadTestsFromNames(names, found)
    else:
        suite = loader.loadTestsFromModule(found)
    tap = Tap()
    suite.run(_Result(tap))
    sys.exit(tap.finish())
