// RUN: attnc-opt %s --attnc-lower-attn | FileCheck %s

// The mean, then the variance around it, then the row.
// CHECK-LABEL: @layer_norm
// CHECK-SAME: %[[DEST:[a-z0-9]*]]: tensor<?x?x256xf32>) ->
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in {{.*}} shared_outs(%{{.*}} = %[[DEST]])
// CHECK-NOT: tensor.empty
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction"]
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction"]
// CHECK: math.sqrt
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel"]
// CHECK: tensor.parallel_insert_slice
// CHECK-NOT: attn.
func.func @layer_norm(%x: tensor<?x?x256xf32>, %g: tensor<256xf32>, %b: tensor<256xf32>, %dest: tensor<?x?x256xf32>) -> tensor<?x?x256xf32> {
  %y = attn.layer_norm %x weight(%g : tensor<256xf32>) bias(%b : tensor<256xf32>) eps(1.0e-5) : tensor<?x?x256xf32>
  %r = bufferization.materialize_in_destination %y in %dest : (tensor<?x?x256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %r : tensor<?x?x256xf32>
}

// Statistics of bf16 rows are in f32.
// CHECK-LABEL: @rms_norm
// CHECK: bufferization.alloc_tensor() : tensor<f32>
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
func.func @rms_norm(%x: tensor<?x384xbf16>, %g: tensor<384xbf16>) -> tensor<?x384xbf16> {
  %y = attn.rms_norm %x weight(%g : tensor<384xbf16>) eps(1.0e-6) : tensor<?x384xbf16>
  return %y : tensor<?x384xbf16>
}
