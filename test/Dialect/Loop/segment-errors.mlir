// One test a constraint, named after it (dialects/loop/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @segment_c1() {
  // expected-error @below {{expected one input at least and a dimension for each, got 0 inputs and 0 dimensions}}
  loop.segment size 4 number(%n) blocks() {
    loop.yield
  }
  return
}

// -----

func.func @segment_c2_count(%x: tensor<?xf32>) {
  // expected-error @below {{expected 0 outputs and 0 states, got 1 results}}
  %y = "loop.segment"(%x) <{input_dims = array<i64: 0>, output_dims = array<i64>, size = 4 : i64, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%n: index, %b: tensor<?xf32>):
    loop.yield
  }) : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @segment_c2_states(%x: tensor<?xf32>, %c: index) {
  // expected-error @below {{expected states 0 to be 'index', got 'i32'}}
  %y = "loop.segment"(%x, %c) <{input_dims = array<i64: 0>, output_dims = array<i64>, size = 4 : i64, operandSegmentSizes = array<i32: 1, 1>}> ({
  ^bb0(%n: index, %b: tensor<?xf32>, %s: index):
    loop.yield %s : index
  }) : (tensor<?xf32>, index) -> i32
  return
}

// -----

func.func @segment_c3_dimension(%x: tensor<?xf32>) {
  // expected-error @below {{expected input 0 to be a tensor with a dimension 1, got 'tensor<?xf32>'}}
  loop.segment size 4 number(%n) blocks(%b = %x along 1 : tensor<?xf32>) {
    loop.yield
  }
  return
}

// -----

func.func @segment_c3_inputs(%x: tensor<12xf32>, %z: tensor<3x10xf32>) {
  // expected-error @below {{expected input 1 to have the length 12 along dimension 1, got 10}}
  loop.segment size 4 number(%n) blocks(%b = %x along 0 : tensor<12xf32>, %c = %z along 1 : tensor<3x10xf32>) {
    loop.yield
  }
  return
}

// -----

func.func @segment_c3_outputs(%x: tensor<12xf32>) {
  // expected-error @below {{expected output 0 to have the length 12 along dimension 0, got 3}}
  %y = loop.segment size 4 number(%n) blocks(%b = %x along 0 : tensor<12xf32>) -> (along 0 : tensor<3xf32>) {
    loop.yield %b : tensor<?xf32>
  }
  return
}

// -----

func.func @segment_c4(%x: tensor<12xf32>) {
  // expected-error @below {{expected body arguments 1 to be 'tensor<?xf32>', got 'tensor<4xf32>'}}
  "loop.segment"(%x) <{input_dims = array<i64: 0>, output_dims = array<i64>, size = 4 : i64, operandSegmentSizes = array<i32: 1, 0>}> ({
  ^bb0(%n: index, %b: tensor<4xf32>):
    loop.yield
  }) : (tensor<12xf32>) -> ()
  return
}

// -----

func.func @segment_c5(%x: tensor<?xf32>, %c: index) {
  // expected-error @below {{expected yielded values to be 2 in number, got 1}}
  %y, %d = loop.segment size 4 number(%n) blocks(%b = %x along 0 : tensor<?xf32>) carry(%s = %c : index) -> (along 0 : tensor<?xf32>) {
    loop.yield %b : tensor<?xf32>
  }
  return
}

// -----

func.func @segment_c5_score(%x: tensor<?xf32>) {
  loop.segment size 4 number(%n) blocks(%b = %x along 0 : tensor<?xf32>) {
    // expected-error @below {{expected no score in loop.segment}}
    loop.yield score(%b : tensor<?xf32>)
  }
  return
}

// -----

func.func @size(%x: tensor<?xf32>) {
  // expected-error @below {{attribute 'size' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  loop.segment size 0 number(%n) blocks(%b = %x along 0 : tensor<?xf32>) {
    loop.yield
  }
  return
}
