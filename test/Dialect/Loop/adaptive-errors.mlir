// One test a constraint, named after it (dialects/loop/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @adaptive_c1_threshold(%v: tensor<?xi1>, %p: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected threshold with policy act, got none}}
  %s = loop.adaptive act active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c1_seed(%v: tensor<?xi1>, %p: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected seed with policy bernoulli, got none}}
  %s = loop.adaptive bernoulli active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c1_on(%v: tensor<?xi1>, %x: f32, %cap: index) {
  // expected-error @below {{expected on with policy converge, got none}}
  %s = loop.adaptive converge threshold(%x) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @adaptive_c1_no_threshold(%v: tensor<?xi1>, %x: f32, %cap: index) {
  // expected-error @below {{expected no threshold with policy predicate}}
  %s = loop.adaptive predicate threshold(%x) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%v : tensor<?xi1>)
  }
  return
}

// -----

func.func @adaptive_c1_no_compare(%v: tensor<?xi1>, %x: f32, %s0: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected no compare with policy converge}}
  %z, %s = loop.adaptive converge threshold(%x) compare(le) on(0) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %z = %s0 : tensor<?xf32>) {
    loop.yield %z : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c1_no_remainder(%v: tensor<?xi1>, %p: tensor<?xf32>, %x: f32, %cap: index) {
  // expected-error @below {{expected no remainder with policy threshold}}
  %s = loop.adaptive threshold threshold(%x) remainder(drop) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c1_no_stream(%v: tensor<?xi1>, %p: tensor<?xf32>, %x: f32, %cap: index) {
  // expected-error @below {{expected no stream with policy act}}
  %s = loop.adaptive act threshold(%x) stream(1) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c1_no_delta(%v: tensor<?xi1>, %p: tensor<?xf32>, %x: f32, %cap: index) {
  // expected-error @below {{expected no delta with policy geometric}}
  %s = loop.adaptive geometric threshold(%x) delta(1.0) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c1_no_margin(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected no margin with policy predicate}}
  %s, %m = loop.adaptive predicate margin active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%v : tensor<?xi1>)
  }
  return
}

// -----

func.func @adaptive_c2_range(%v: tensor<?xi1>, %s0: tensor<?xf32>, %x: f32, %cap: index) {
  // expected-error @below {{expected on to be less than the number of carried values (1), got 2}}
  %z, %s = loop.adaptive converge threshold(%x) on(2) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %z = %s0 : tensor<?xf32>) {
    loop.yield %z : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c2_floats(%v: tensor<?xi1>, %x: f32, %cap: index) {
  // expected-error @below {{expected on(0) to be a tensor of floats, got 'tensor<?xi1>'}}
  %z, %s = loop.adaptive converge threshold(%x) on(0) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %z = %v : tensor<?xi1>) {
    loop.yield %z : tensor<?xi1>
  }
  return
}

// -----

func.func @adaptive_c2_delta(%v: tensor<?xi1>, %s0: tensor<?xf32>, %x: f32, %cap: index) {
  // expected-error @below {{expected delta to be finite and not negative, got -1.000000e+00}}
  %z, %s = loop.adaptive converge threshold(%x) on(0) delta(-1.0) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %z = %s0 : tensor<?xf32>) {
    loop.yield %z : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c3_count(%v: tensor<?xi1>, %x: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected one mark a carried value (1), got 2}}
  %z, %s = "loop.adaptive"(%v, %cap, %x) <{marks = array<i32: 0, 1>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>, %y: tensor<?xf32>):
    loop.yield %y score(%r : tensor<?xi1>) : tensor<?xf32>
  }, {}) : (tensor<?xi1>, index, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xi32>)
  return
}

// -----

func.func @adaptive_c3_known(%v: tensor<?xi1>, %x: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected marks from 0 to 3, got 7}}
  %z, %s = "loop.adaptive"(%v, %cap, %x) <{marks = array<i32: 7>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>, %y: tensor<?xf32>):
    loop.yield %y score(%r : tensor<?xi1>) : tensor<?xf32>
  }, {}) : (tensor<?xi1>, index, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xi32>)
  return
}

// -----

func.func @adaptive_c4_extent(%v: tensor<?x3xi1>, %x: tensor<?x4x8xf32>, %cap: index) {
  // expected-error @below {{expected carried value 0, frozen, to be a tensor whose leading dimensions are the rows of 'tensor<?x3xi1>', got 'tensor<?x4x8xf32>'}}
  %z, %s = loop.adaptive predicate active(%r = %v : tensor<?x3xi1>) cap(%cap) step(%t) carry(frozen %z = %x : tensor<?x4x8xf32>) {
    loop.yield %z score(%r : tensor<?x3xi1>) : tensor<?x4x8xf32>
  }
  return
}

// -----

func.func @adaptive_c4_rank(%v: tensor<?x3xi1>, %x: tensor<?xf32>, %p: tensor<?x3xf32>, %l: f32, %cap: index) {
  // expected-error @below {{expected carried value 0, mean, to be a tensor whose leading dimensions are the rows of 'tensor<?x3xi1>', got 'tensor<?xf32>'}}
  %z, %s = loop.adaptive act threshold(%l) active(%r = %v : tensor<?x3xi1>) cap(%cap) step(%t) carry(mean %z = %x : tensor<?xf32>) {
    loop.yield %z score(%p : tensor<?x3xf32>) : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c5_policy(%v: tensor<?xi1>, %x: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected mean with policy act or geometric, got policy predicate}}
  %z, %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) carry(mean %z = %x : tensor<?xf32>) {
    loop.yield %z score(%r : tensor<?xi1>) : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c5_floats(%v: tensor<?xi1>, %x: tensor<?xi32>, %p: tensor<?xf32>, %l: f32, %cap: index) {
  // expected-error @below {{expected carried value 0, blend, to be of floats, got 'tensor<?xi32>'}}
  %z, %s = loop.adaptive act threshold(%l) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) carry(blend %z = %x : tensor<?xi32>) {
    loop.yield %z score(%p : tensor<?xf32>) : tensor<?xi32>
  }
  return
}

// -----

func.func @adaptive_c6(%v: tensor<?xi1>) {
  %cap = arith.constant 0 : index
  // expected-error @below {{expected cap to be at least 1, got 0}}
  %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%r : tensor<?xi1>)
  }
  return
}

// -----

func.func @adaptive_c7_count(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected results to be 1 in number, got 2}}
  %s:2 = "loop.adaptive"(%v, %cap) <{marks = array<i32>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>):
    loop.yield score(%r : tensor<?xi1>)
  }, {}) : (tensor<?xi1>, index) -> (tensor<?xi32>, tensor<?xf32>)
  return
}

// -----

func.func @adaptive_c7_type(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected results 0 to be 'tensor<?xi32>', got 'tensor<?xi64>'}}
  %s = "loop.adaptive"(%v, %cap) <{marks = array<i32>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>):
    loop.yield score(%r : tensor<?xi1>)
  }, {}) : (tensor<?xi1>, index) -> tensor<?xi64>
  return
}

// -----

func.func @adaptive_c8_missing(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected a halt region with policy region}}
  %s = loop.adaptive region active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @adaptive_c8_unwanted(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected no halt region with policy predicate}}
  %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield score(%r : tensor<?xi1>)
  } halt(%step) {
    loop.yield %v : tensor<?xi1>
  }
  return
}

// -----

func.func @adaptive_c9_arguments(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected body arguments 0 to be 'index', got 'i32'}}
  %s = "loop.adaptive"(%v, %cap) <{marks = array<i32>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: i32, %r: tensor<?xi1>):
    loop.yield score(%r : tensor<?xi1>)
  }, {}) : (tensor<?xi1>, index) -> tensor<?xi32>
  return
}

// -----

func.func @adaptive_c9_yield(%v: tensor<?xi1>, %x: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected yielded values 0 to be 'tensor<?xf32>', got 'tensor<?xi1>'}}
  %z, %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) carry(frozen %z = %x : tensor<?xf32>) {
    loop.yield %r score(%r : tensor<?xi1>) : tensor<?xi1>
  }
  return
}

// -----

func.func @adaptive_c9_terminator(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected its regions to end with loop.yield}}
  %s = "loop.adaptive"(%v, %cap) <{marks = array<i32>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, policy = #loop<policy predicate>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>):
    llvm.unreachable
  }, {}) : (tensor<?xi1>, index) -> tensor<?xi32>
  return
}

// -----

func.func @adaptive_c10_missing(%v: tensor<?xi1>, %x: f32, %cap: index) {
  %s = loop.adaptive threshold threshold(%x) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    // expected-error @below {{expected a score with policy threshold}}
    loop.yield
  }
  return
}

// -----

func.func @adaptive_c10_unwanted(%v: tensor<?xi1>, %s0: tensor<?xf32>, %x: f32, %cap: index) {
  %z, %s = loop.adaptive converge threshold(%x) on(0) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %z = %s0 : tensor<?xf32>) {
    // expected-error @below {{expected no score with policy converge}}
    loop.yield %z score(%z : tensor<?xf32>) : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c10_type(%v: tensor<?xi1>, %p: tensor<?xf64>, %x: f32, %cap: index) {
  %s = loop.adaptive threshold threshold(%x) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    // expected-error @below {{expected the score to be 'tensor<?xf32>', got 'tensor<?xf64>'}}
    loop.yield score(%p : tensor<?xf64>)
  }
  return
}

// -----

func.func @adaptive_c10_predicate(%v: tensor<?xi1>, %p: tensor<?xf32>, %cap: index) {
  %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    // expected-error @below {{expected the score to be 'tensor<?xi1>', got 'tensor<?xf32>'}}
    loop.yield score(%p : tensor<?xf32>)
  }
  return
}

// -----

func.func @adaptive_c11_arguments(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected halt arguments to be 1 in number, got 2}}
  %s = "loop.adaptive"(%v, %cap) <{marks = array<i32>, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, policy = #loop<policy region>}> ({
  ^bb0(%t: index, %r: tensor<?xi1>):
    loop.yield
  }, {
  ^bb0(%t: index, %r: tensor<?xi1>):
    loop.yield %r : tensor<?xi1>
  }) : (tensor<?xi1>, index) -> tensor<?xi32>
  return
}

// -----

func.func @adaptive_c11_exit(%v: tensor<?xi1>, %p: tensor<?xf32>, %cap: index) {
  // expected-error @below {{expected values of the halt region 0 to be 'tensor<?xi1>', got 'tensor<?xf32>'}}
  %s = loop.adaptive region active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  } halt(%step) {
    loop.yield %p : tensor<?xf32>
  }
  return
}

// -----

func.func @adaptive_c11_margin(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected values of the halt region to be 2 in number, got 1}}
  %s, %m = loop.adaptive region margin active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  } halt(%step) {
    loop.yield %v : tensor<?xi1>
  }
  return
}

// -----

func.func @adaptive_c11_score(%v: tensor<?xi1>, %cap: index) {
  %s = loop.adaptive region active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  } halt(%step) {
    // expected-error @below {{expected no score from a halt region}}
    loop.yield %v score(%v : tensor<?xi1>) : tensor<?xi1>
  }
  return
}

// -----

func.func @active(%v: tensor<?xi8>, %cap: index) {
  // expected-error @below {{operand #0 must be ranked tensor of 1-bit signless integer values, but got 'tensor<?xi8>'}}
  %s = loop.adaptive predicate active(%r = %v : tensor<?xi8>) cap(%cap) step(%t) {
    loop.yield score(%r : tensor<?xi8>)
  }
  return
}
