// RUN: attnc-opt %s --pass-pipeline="builtin.module(func.func(attnc-extreme-reductions))" --split-input-file | FileCheck %s

// The greatest element is carried as a key; maxnumf ignores NaN, which comes first (the least integer).
// CHECK-LABEL: func.func @row(
// CHECK: %[[NAN:.*]] = arith.constant -2147483648 : i32
// CHECK: %[[K:.*]] = scf.for {{.*}} iter_args(%[[A:.*]] = %{{.*}}) -> (i32)
// CHECK: %[[V:.*]] = memref.load %arg0
// CHECK: arith.bitcast %[[V]] : f32 to i32
// CHECK-NOT: memref.store
// CHECK: %[[M:.*]] = arith.maxsi %[[A]], %{{.*}} : i32
// CHECK: scf.yield %[[M]] : i32
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: memref.store %{{.*}}, %arg1[%arg2]
func.func @row(%x: memref<?x?xf32>, %y: memref<?xf32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %x[%i, %j] : memref<?x?xf32>
    %m = memref.load %y[%i] : memref<?xf32>
    %next = arith.maxnumf %v, %m : f32
    memref.store %next, %y[%i] : memref<?xf32>
  }
  return
}

// -----

// minimumf returns NaN: it comes first as well; 16 bits.
// CHECK-LABEL: func.func @least(
// CHECK: arith.constant -32768 : i16
// CHECK: arith.minsi {{.*}} : i16
func.func @least(%x: memref<?xbf16>, %y: memref<bf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %x[%j] : memref<?xbf16>
    %m = memref.load %y[] : memref<bf16>
    %next = arith.minimumf %m, %v : bf16
    memref.store %next, %y[] : memref<bf16>
  }
  return
}

// -----

// Near misses: each element has its own maximum; what is reduced is read as data as well; something else is written; the running maximum is
// used twice.
// CHECK-LABEL: func.func @misses(
// CHECK-NOT: maxsi
// CHECK: return
func.func @misses(%x: memref<?xf32>, %y: memref<?xf32>, %z: memref<?xf32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %x[%j] : memref<?xf32>
    %m = memref.load %y[%j] : memref<?xf32>
    %next = arith.maxnumf %v, %m : f32
    memref.store %next, %y[%j] : memref<?xf32>
  }
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %y[%j] : memref<?xf32>
    %m = memref.load %y[%i] : memref<?xf32>
    %next = arith.maxnumf %v, %m : f32
    memref.store %next, %y[%i] : memref<?xf32>
  }
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %x[%j] : memref<?xf32>
    %m = memref.load %y[%i] : memref<?xf32>
    %next = arith.maxnumf %v, %m : f32
    memref.store %next, %y[%i] : memref<?xf32>
    memref.store %v, %z[%j] : memref<?xf32>
  }
  scf.for %j = %c0 to %n step %c1 {
    %v = memref.load %x[%j] : memref<?xf32>
    %m = memref.load %y[%i] : memref<?xf32>
    %w = arith.mulf %v, %m : f32
    %next = arith.maxnumf %w, %m : f32
    memref.store %next, %y[%i] : memref<?xf32>
  }
  return
}
