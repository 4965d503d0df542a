"""python -m attnc.frontends MODEL -o m.mlir --weights-out w.safetensors: a model as attnc's IR.

MODEL is a .pt2 or .onnx file, or file.py:function. `attnc compile` runs this for such models. Exit code 1 with what is not
supported, and nothing written; 2 for a wrong command line."""
import argparse
import sys

from ..progress import progress
from . import ImportProblems, load_file


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="attnc.frontends", description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help=".pt2, .onnx or file.py:function")
    parser.add_argument("-o", dest="output", metavar="FILE", required=True, help="the module to write, .mlir")
    parser.add_argument("--weights-out", metavar="FILE", help="the weights to write: .safetensors, or .json, an index of the files in which they lie (default: none)")
    options = parser.parse_args(argv)
    try:
        try:
            load_file(options.model).write(options.output, options.weights_out)
        finally:
            progress.clear()
    except ImportProblems as problems:
        print(f"attnc: {problems}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"attnc: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
