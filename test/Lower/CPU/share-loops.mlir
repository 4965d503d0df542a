// Independent loops of kernels become functions of a part of their range, and a call that leaves the parts to threads.
// RUN: attnc-opt %s --split-input-file --attnc-share-loops | FileCheck %s

// All dimensions of tiles are one range; the length of the second says where a tile is. The temporary is each chunk's own.
// CHECK-LABEL: func.func private @tiles_chunk(
// CHECK-SAME: %[[X:.*]]: memref<?x?x64xf32>, %[[FIRST:.*]]: index, %[[LAST:.*]]: index) attributes {attnc.kernel}
// CHECK-DAG: %[[N:.*]] = memref.dim %[[X]], %c1
// CHECK-DAG: %[[OWN:.*]] = memref.alloca() {alignment = 64 : i64} : memref<64xf32>
// CHECK: scf.for %[[AT:.*]] = %[[FIRST]] to %[[LAST]]
// CHECK: %[[J:.*]] = arith.remui %[[AT]], %[[LENGTH:.*]] : index
// CHECK: %[[I:.*]] = arith.divui %[[AT]], %[[LENGTH]] : index
// CHECK: scf.for %[[K:.*]] =
// CHECK: memref.load %[[X]][%[[I]], %[[J]], %[[K]]]
// CHECK: memref.store %{{.*}}, %[[OWN]]
// CHECK-LABEL: func.func private @tiles_chunk_run(%{{.*}}: !llvm.ptr, %{{.*}}: i64)
// CHECK: call @tiles_chunk(
// CHECK-LABEL: func.func private @tiles(
// CHECK-SAME: memref<?x?x64xf32>, %[[CONTROL:[a-z0-9]+]]: !llvm.ptr)
// CHECK-NOT: scf.forall
// CHECK: call @share_chunks(%[[CONTROL]],
func.func private @tiles(%x: memref<?x?x64xf32>) attributes {attnc.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %m = memref.dim %x, %c0 : memref<?x?x64xf32>
  %n = memref.dim %x, %c1 : memref<?x?x64xf32>
  %own = memref.alloca() {alignment = 64 : i64} : memref<64xf32>
  scf.forall (%i, %j) in (%m, %n) {
    scf.for %k = %c0 to %c64 step %c1 {
      %a = memref.load %x[%i, %j, %k] : memref<?x?x64xf32>
      memref.store %a, %own[%k] : memref<64xf32>
    }
    scf.for %k = %c0 to %c64 step %c1 {
      %a = memref.load %own[%k] : memref<64xf32>
      %b = arith.addf %a, %a : f32
      memref.store %b, %x[%i, %j, %k] : memref<?x?x64xf32>
    }
  }
  return
}
// The entry has no control yet.
// CHECK-LABEL: func.func @entry(
// CHECK: %[[NULL:.*]] = llvm.mlir.zero
// CHECK: call @tiles(%{{.*}}, %[[NULL]]) {attnc.takes_control}
func.func @entry(%x: memref<?x?x64xf32>) {
  func.call @tiles(%x) : (memref<?x?x64xf32>) -> ()
  return
}

// -----

// Of elements the innermost dimension stays whole.
// CHECK-LABEL: func.func private @elements_chunk(
// CHECK: scf.for %[[I:.*]] = %{{.*}} to
// CHECK: scf.for %[[J:.*]] = %c0
// CHECK: memref.load %{{.*}}[%[[I]], %[[J]]]
func.func private @elements(%x: memref<?x?xf32>) attributes {attnc.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = memref.dim %x, %c0 : memref<?x?xf32>
  %n = memref.dim %x, %c1 : memref<?x?xf32>
  scf.parallel (%i, %j) = (%c0, %c0) to (%m, %n) step (%c1, %c1) {
    %a = memref.load %x[%i, %j] : memref<?x?xf32>
    %b = arith.mulf %a, %a : f32
    memref.store %b, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// No work for two, a loop inside of another, and a buffer that may be any other: serial.
// CHECK-LABEL: func.func private @tiny(
// CHECK-NOT: _chunk
func.func private @tiny(%x: memref<64xf32>) attributes {attnc.kernel} {
  scf.forall (%i) in (64) {
    %a = memref.load %x[%i] : memref<64xf32>
    memref.store %a, %x[%i] : memref<64xf32>
  }
  return
}
func.func private @inner(%x: memref<?xf32>, %n: index) attributes {attnc.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %t = %c0 to %n step %c1 {
    scf.forall (%i) in (%n) {
      %a = memref.load %x[%i] : memref<?xf32>
      memref.store %a, %x[%i] : memref<?xf32>
    }
  }
  return
}
func.func private @chosen(%x: memref<?xf32>, %y: memref<?xf32>, %which: i1, %n: index) attributes {attnc.kernel} {
  %z = scf.if %which -> memref<?xf32> {
    scf.yield %x : memref<?xf32>
  } else {
    scf.yield %y : memref<?xf32>
  }
  scf.forall (%i) in (%n) {
    %a = memref.load %z[%i] : memref<?xf32>
    memref.store %a, %z[%i] : memref<?xf32>
  }
  return
}
