// Rewrites that are right whatever comes after.
// RUN: attnc-opt %s --canonicalize --split-input-file | FileCheck %s

// A mask that keeps all, a score and a weight passed on: no regions are left, nor the captures they had.
// CHECK-LABEL: func @idle_regions
// CHECK: attn.attention
// CHECK-NEXT: query
// CHECK-NEXT: source
// CHECK-NEXT: into
// CHECK-NEXT: return
func.func @idle_regions(%x: tensor<?x?x16xf32>, %c: f32) -> tensor<?x?x16xf32> {
  %o = attn.attention softmax scale(0.25)
    query %x[b, i, d] : tensor<?x?x16xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
    captures %c : f32
    into %x[b, i, v] : tensor<?x?x16xf32>
    score(%s, %b, %h, %i, %j, %n, %unused) {
      attn.yield %s : f32
    }
    mask(%b, %h, %i, %j, %n, %unused) {
      %true = arith.constant true
      attn.yield %true : i1
    }
    post(%p, %b, %h, %i, %j, %n, %unused) {
      attn.yield %p : f32
    }
  return %o : tensor<?x?x16xf32>
}

// -----

// A score region that scales is no identity, a mask of what is captured no constant.
// CHECK-LABEL: func @busy_regions
// CHECK: score(
// CHECK: mask(
func.func @busy_regions(%x: tensor<?x?x16xf32>, %c: i1) -> tensor<?x?x16xf32> {
  %o = attn.attention softmax scale(0.25)
    query %x[b, i, d] : tensor<?x?x16xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
    captures %c : i1
    into %x[b, i, v] : tensor<?x?x16xf32>
    score(%s, %b, %h, %i, %j, %n, %keep) {
      %t = arith.addf %s, %s : f32
      attn.yield %t : f32
    }
    mask(%b, %h, %i, %j, %n, %keep) {
      attn.yield %keep : i1
    }
  return %o : tensor<?x?x16xf32>
}

// -----

// A source's mask of true says "not the op's mask" where there is one: it stays.
// CHECK-LABEL: func @source_mask_of_true
// CHECK: source
// CHECK-SAME: mask(
// CHECK: source
// CHECK: mask(
// CHECK: attn.attention
// CHECK-NEXT: query
// CHECK-NEXT: source
// CHECK-NOT: mask
// CHECK-NEXT: into
// CHECK-SAME: lse
// CHECK-NEXT: return
func.func @source_mask_of_true(%x: tensor<?x?x16xf32>, %l: tensor<?x?xf32>) -> (tensor<?x?x16xf32>, tensor<?x?xf32>) {
  %0 = attn.attention softmax scale(0.25)
    query %x[b, i, d] : tensor<?x?x16xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
           mask(%b, %h, %i, %j, %n) {
             %true = arith.constant true
             attn.yield %true : i1
           }
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
    into %x[b, i, v] : tensor<?x?x16xf32>
    mask(%b, %h, %i, %j, %n) {
      %causal = arith.cmpi sle, %j, %i : index
      attn.yield %causal : i1
    }
  %1, %lse = attn.attention softmax scale(0.25)
    query %0[b, i, d] : tensor<?x?x16xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
           mask(%b, %h, %i, %j, %n) {
             %true = arith.constant true
             attn.yield %true : i1
           }
    into %x[b, i, v] : tensor<?x?x16xf32> lse %l[b, i] : tensor<?x?xf32>
  return %1, %lse : tensor<?x?x16xf32>, tensor<?x?xf32>
}

// -----

// Where every source has its own mask, the op's is for none.
// CHECK-LABEL: func @mask_of_no_source
// CHECK: source
// CHECK-SAME: mask(
// CHECK: into
// CHECK-NEXT: return
func.func @mask_of_no_source(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  %o = attn.attention softmax scale(0.25)
    query %x[b, i, d] : tensor<?x?x16xf32>
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
           mask(%b, %h, %i, %j, %n) {
             %causal = arith.cmpi sle, %j, %i : index
             attn.yield %causal : i1
           }
    into %x[b, i, v] : tensor<?x?x16xf32>
    mask(%b, %h, %i, %j, %n) {
      %other = arith.cmpi sge, %j, %i : index
      attn.yield %other : i1
    }
  return %o : tensor<?x?x16xf32>
}

// -----

// Captures: the one not used goes, equal ones become one (the same tensor with other indices is another),
// a constant moves into the regions, those of a source included.
// CHECK-LABEL: func @captures
// CHECK-SAME: %{{[^:]*}}: tensor<?x8x8x16xf32>, %[[T:[^:]*]]: tensor<8x8xf32>
// CHECK: source
// CHECK-SAME: mask(%{{.*}}, %{{.*}}, %{{.*}}, %[[J:.*]], %{{.*}}, %{{[^:]*}}: f32, %{{[^:]*}}: f32) {
// CHECK: %[[C:.*]] = arith.constant 3 : index
// CHECK: arith.cmpi sge, %[[J]], %[[C]]
// CHECK: captures %[[T]][g, i] : tensor<8x8xf32>, %[[T]][i, g] : tensor<8x8xf32>
// CHECK: score(%[[S:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[A:.*]], %[[B:.*]]) {
// CHECK-NEXT: %[[X:.*]] = arith.mulf %[[S]], %[[A]]
// CHECK-NEXT: %[[Y:.*]] = arith.addf %[[X]], %[[A]]
// CHECK-NEXT: %[[Z:.*]] = arith.addf %[[Y]], %[[B]]
// CHECK-NEXT: attn.yield %[[Z]]
func.func @captures(%x: tensor<?x8x8x16xf32>, %t: tensor<8x8xf32>, %unused: tensor<5xf32>) -> tensor<?x8x8x16xf32> {
  %three = arith.constant 3 : index
  %o = attn.attention softmax scale(0.25)
    query %x[b, g, i, d] : tensor<?x8x8x16xf32>
    source %x[b, g, j, d], %x[b, g, j, v] : tensor<?x8x8x16xf32>, tensor<?x8x8x16xf32>
           mask(%b, %h, %i, %j, %n, %u: tensor<5xf32>, %a: f32, %k: index, %same: f32, %other: f32) {
             %m = arith.cmpi sge, %j, %k : index
             attn.yield %m : i1
           }
    captures %unused : tensor<5xf32>, %t[g, i] : tensor<8x8xf32>, %three : index, %t[g, i] : tensor<8x8xf32>, %t[i, g] : tensor<8x8xf32>
    into %x[b, g, i, v] : tensor<?x8x8x16xf32>
    score(%s, %b, %h, %i, %j, %n, %u, %a, %k, %same, %other) {
      %0 = arith.mulf %s, %a : f32
      %1 = arith.addf %0, %same : f32
      %2 = arith.addf %1, %other : f32
      attn.yield %2 : f32
    }
  return %o : tensor<?x8x8x16xf32>
}

// -----

// CHECK-LABEL: func @zero_offsets
// CHECK-SAME: %{{.*}}: tensor<?x?x16xf32>, %[[N:[^:]*]]: index
// CHECK: query %{{.*}}[b, i, d] : tensor<?x?x16xf32>{{$}}
// CHECK-NEXT: source %{{.*}} : tensor<?x?x16xf32>, tensor<?x?x16xf32> offset %[[N]]{{$}}
// CHECK-NEXT: source %{{.*}} : tensor<?x?x16xf32>, tensor<?x?x16xf32> valid %[[N]]{{$}}
func.func @zero_offsets(%x: tensor<?x?x16xf32>, %n: index) -> tensor<?x?x16xf32> {
  %c0 = arith.constant 0 : index
  %o = attn.attention softmax scale(0.25)
    query %x[b, i, d] : tensor<?x?x16xf32> offset %c0
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32> offset %n
    source %x[b, j, d], %x[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32> offset %c0 valid %n
    into %x[b, i, v] : tensor<?x?x16xf32>
  return %o : tensor<?x?x16xf32>
}

// -----

// Casts that hide static sizes are looked through, those of results and of captures passed whole too.
// CHECK-LABEL: func @casts
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x8x16xf32>, %[[L:[^:]*]]: tensor<2x8xf32>, %[[T:[^:]*]]: tensor<5xf32>
// CHECK: %[[O:.*]]:2 = attn.attention
// CHECK-NEXT: query %[[X]][b, i, d] : tensor<2x8x16xf32>
// CHECK-NEXT: source %[[X]][b, j, d], %[[X]][b, j, v] : tensor<2x8x16xf32>, tensor<2x8x16xf32>
// CHECK-NEXT: captures %[[T]] : tensor<5xf32>
// CHECK-NEXT: into %[[X]][b, i, v] : tensor<2x8x16xf32> lse %[[L]][b, i] : tensor<2x8xf32>
// CHECK-NEXT: score(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[N:.*]], %[[TABLE:.*]]) {
// CHECK-NEXT: tensor.extract %[[TABLE]][%[[N]]] : tensor<5xf32>
// CHECK: %[[C:.*]] = tensor.cast %[[O]]#0 : tensor<2x8x16xf32> to tensor<?x?x16xf32>
// CHECK: return %[[C]], %[[O]]#1
func.func @casts(%x: tensor<2x8x16xf32>, %l: tensor<2x8xf32>, %t: tensor<5xf32>) -> (tensor<?x?x16xf32>, tensor<2x8xf32>) {
  %y = tensor.cast %x : tensor<2x8x16xf32> to tensor<?x?x16xf32>
  %u = tensor.cast %t : tensor<5xf32> to tensor<?xf32>
  %m = tensor.cast %l : tensor<2x8xf32> to tensor<?x?xf32>
  %o, %lse = attn.attention softmax scale(0.25)
    query %y[b, i, d] : tensor<?x?x16xf32>
    source %y[b, j, d], %y[b, j, v] : tensor<?x?x16xf32>, tensor<?x?x16xf32>
    captures %u : tensor<?xf32>
    into %y[b, i, v] : tensor<?x?x16xf32> lse %m[b, i] : tensor<?x?xf32>
    score(%s, %b, %h, %i, %j, %n, %table) {
      %e = tensor.extract %table[%n] : tensor<?xf32>
      %r = arith.addf %s, %e : f32
      attn.yield %r : f32
    }
  %z = tensor.cast %lse : tensor<?x?xf32> to tensor<2x8xf32>
  return %o, %z : tensor<?x?x16xf32>, tensor<2x8xf32>
}

// -----

// CHECK-LABEL: func @rotary_of_nothing
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @rotary_of_nothing(%x: tensor<?x8x16xf32>) -> tensor<?x8x16xf32> {
  %0 = attn.rotary half_split %x along [1] base(1.0e4) width(0) : tensor<?x8x16xf32>
  return %0 : tensor<?x8x16xf32>
}

// -----

// CHECK-LABEL: func @order_of_one
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x1xf32>, %[[Y:[^:]*]]: tensor<4x1xf32>
// CHECK-DAG: %[[ZEROS:.*]] = arith.constant dense<0> : tensor<4x1xi32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i64
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[X]]
// CHECK-DAG: %[[SPLAT:.*]] = tensor.splat %[[ZERO]][%[[N]]] : tensor<?x1xi64>
// CHECK: return %[[X]], %[[SPLAT]], %[[Y]], %[[ZEROS]]
func.func @order_of_one(%x: tensor<?x1xf32>, %y: tensor<4x1xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>, tensor<4x1xf32>, tensor<4x1xi32>) {
  %v0, %i0 = attn.sort %x : tensor<?x1xf32> -> tensor<?x1xi64>
  %v1, %i1 = attn.top_k %y : tensor<4x1xf32> -> tensor<4x1xf32>, tensor<4x1xi32>
  return %v0, %i0, %v1, %i1 : tensor<?x1xf32>, tensor<?x1xi64>, tensor<4x1xf32>, tensor<4x1xi32>
}

// -----

// Which of several comes first is no matter of types.
// CHECK-LABEL: func @order_of_more
// CHECK: attn.top_k
func.func @order_of_more(%x: tensor<?x4xf32>) -> tensor<?x1xi32> {
  %v, %i = attn.top_k %x : tensor<?x4xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return %i : tensor<?x1xi32>
}
