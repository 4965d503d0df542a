"""Streams text through looped_lm: `python stream_text.py PACKAGE TEXT [MORE]`.

Reads TEXT byte by byte, goes on for MORE bytes (default 200), each the likeliest, and shows every byte as soon as it is known,
with its depth: how many times the model looped over it, from ₁ to ₆. The package is made by
`attnc compile test/Models/looped_lm.mlir --weights test/Models/trained/looped_lm/weights.safetensors -o looped_lm.attnpkg`."""
import sys

import attnc

CONTEXT, EXIT_AT = 256, 0.7  # bytes that are remembered; the probability at which a byte exits


def stream(package, text, more):
    """Yields (byte, depth) for each byte of text, and of what the model says behind it."""
    session = package.session(C=CONTEXT)
    coming = list(text)
    for i in range(len(text) + more):
        logits, steps = session.decode([coming[i]], EXIT_AT)
        if i + 1 >= len(text):
            coming.append(int(logits[0].argmax()))
        yield coming[i], int(steps[0])


def shown(byte):
    """Printable ASCII as it is, all else escaped."""
    return chr(byte) if 32 <= byte < 127 else "\\n" if byte == 10 else f"\\x{byte:02x}"


def main(path, text, more=200):
    depths = []
    for byte, depth in stream(attnc.load(path), text.encode(), int(more)):
        print(shown(byte) + chr(0x2080 + depth), end="\n" if byte == 10 else "", flush=True)
        depths.append(depth)
    print(f"\n{len(depths)} bytes, {sum(depths)} loops: {sum(depths) / len(depths):.2f} a byte, of 6")


if __name__ == "__main__":
    if len(sys.argv) < 3 or not sys.argv[2]:
        sys.exit(__doc__)
    main(*sys.argv[1:])
