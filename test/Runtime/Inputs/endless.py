"""endless.py PACKAGE: stops a loop without end by its step limit, by a cancel flag from another thread, and by an interrupt."""
import signal
import subprocess
import sys
import threading
import time

import numpy as np

import attnc

ATTEMPTS, LIMIT = 20, 0.010                                  # the machine may be busy: the quickest of several counts
package = attnc.load(sys.argv[1])
inputs = {"x": np.full((256, 64), 0.5, np.float32), "w": np.eye(64, dtype=np.float32)}


def ended(run, kind):
    try:
        run()
    except attnc.Error as error:
        assert error.kind == kind, error
        return time.perf_counter()
    raise AssertionError("it ended by itself")


ended(lambda: package.main.run(inputs, step_limit=1000), "step_limit")
print("stopped at the step limit")

waits = []
for _ in range(ATTEMPTS):
    session, asked = package.session(), []
    cancel = lambda: (asked.append(time.perf_counter()), session.cancel())
    threading.Timer(0.02, cancel).start()
    waits.append(ended(lambda: session.main.run(inputs), "cancelled") - asked[0])
assert min(waits) < LIMIT, waits
print(f"cancelled: after {min(waits) * 1e3:.2f} ms at best of {ATTEMPTS}, {sorted(waits)[ATTEMPTS // 2] * 1e3:.2f} ms in the median")

child = subprocess.Popen(["attnc-run", sys.argv[1], "--input", "x=" + ";".join([",".join(["1"] * 64)] * 4), "--input",
                          "w=" + ";".join(",".join("1" if i == j else "0" for j in range(64)) for i in range(64))], stderr=subprocess.PIPE, text=True)
time.sleep(0.5)
child.send_signal(signal.SIGINT)
print(child.communicate()[1].strip(), child.returncode)
