// RUN: attnc-opt %s --attnc-plan-arena --split-input-file --verify-diagnostics

func.func @leaves_its_iteration(%x: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = memref.alloc() : memref<4xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %b) -> memref<4xf32> {
    // expected-error@below {{internal: a buffer made in a loop outlives its iteration}}
    %c = memref.alloc() : memref<4xf32>
    memref.copy %a, %c : memref<4xf32> to memref<4xf32>
    scf.yield %c : memref<4xf32>
  }
  memref.copy %r, %x : memref<4xf32> to memref<4xf32>
  return
}
