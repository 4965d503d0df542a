// RUN: attnc-opt %s --pass-pipeline='builtin.module(func.func(attnc-kernel-scratch))' --split-input-file --verify-diagnostics

func.func private @dynamic(%n: index) attributes {attnc.kernel} {
  // expected-error@below {{internal: a kernel needs a temporary whose size depends on the input ('memref<?xf32>')}}
  %b = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

// expected-error@below {{internal: this kernel's temporaries take 800000 bytes of stack, at most 524288 are allowed}}
func.func private @large() attributes {attnc.kernel} {
  %b = memref.alloc() : memref<200000xf32>
  return
}
