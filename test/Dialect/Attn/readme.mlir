// The example of dialects/attn/README.md.
// RUN: sed -n '/^```mlir$/,/^```$/p' %source_root/dialects/attn/README.md | grep -v '^```' | attnc-opt | FileCheck %s

// CHECK-LABEL: func @layer
// CHECK: attn.attention softmax
