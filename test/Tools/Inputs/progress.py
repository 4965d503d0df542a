"""progress.py COMMAND...: runs it with a terminal, then with a pipe, for standard error; prints what each got."""
import os
import pty
import re
import subprocess
import sys

master, slave = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stderr=slave, stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"})
os.close(slave)
shown = b""
while True:
    try:
        part = os.read(master, 4096)
    except OSError:  # the terminal is gone with its last writer
        break
    if not part:
        break
    shown += part
print("exit code", child.wait())
text = shown.decode()
print("terminal:", ", ".join(re.findall(r"\[\d/\d\] \w+", text)))
print("left on the line:", repr(re.split(r"\r\x1b\[K", text)[-1]))
quiet = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print("pipe:", repr(quiet.stderr + quiet.stdout))
