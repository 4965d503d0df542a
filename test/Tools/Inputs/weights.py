"""weights.py FILE [ROWS [NAME]]: a safetensors file with one f32 weight [ROWS, 8]."""
import json
import struct
import sys

import numpy as np

rows = int(sys.argv[2]) if len(sys.argv) > 2 else 16
name = sys.argv[3] if len(sys.argv) > 3 else "w"
data = np.arange(rows * 8, dtype="<f4").tobytes()
header = json.dumps({name: {"dtype": "F32", "shape": [rows, 8], "data_offsets": [0, len(data)]}}).encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + data)
