"""lsp.py SERVER MODEL: opens a model in the language server, prints what it says of it and the text over an op."""
import json
import pathlib
import subprocess
import sys

server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
text = pathlib.Path(sys.argv[2]).read_text()
uri = pathlib.Path(sys.argv[2]).resolve().as_uri()


def send(method, params, number=None):
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if number is not None:
        message["id"] = number
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    server.stdin.flush()


def receive(wanted):
    while True:
        length = 0
        while (line := server.stdout.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(server.stdout.read(length))
        if wanted(message):
            return message


send("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 0)
print("server:", receive(lambda m: m.get("id") == 0)["result"]["serverInfo"]["name"])
send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "mlir", "version": 1, "text": text}})
said = receive(lambda m: m.get("method") == "textDocument/publishDiagnostics")["params"]["diagnostics"]
for one in said:
    print("diagnostic:", one["message"].splitlines()[0])
print(len(said), "diagnostics")
line = next(i for i, l in enumerate(text.splitlines()) if "attn." in l and "=" in l)
column = text.splitlines()[line].index("attn.")
send("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}, 1)
hover = receive(lambda m: m.get("id") == 1)["result"]
print("hover:", json.dumps(hover["contents"]["value"])[:200] if hover else None)
send("shutdown", None, 2)
receive(lambda m: m.get("id") == 2)
send("exit", None)
print("exit code", server.wait())
