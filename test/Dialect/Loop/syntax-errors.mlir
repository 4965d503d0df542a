// RUN: attnc-opt %s --split-input-file --verify-diagnostics

func.func @policy(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{unknown policy 'sometimes'}}
  %s = loop.adaptive sometimes active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @comparison(%v: tensor<?xi1>, %cap: index, %x: f32) {
  // expected-error @below {{unknown comparison 'eq'}}
  %s = loop.adaptive threshold threshold(%x) compare(eq) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @remainder(%v: tensor<?xi1>, %cap: index, %x: f32) {
  // expected-error @below {{unknown remainder 'share'}}
  %s = loop.adaptive act threshold(%x) remainder(share) active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @twice(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{'margin' is given twice}}
  %s = loop.adaptive region margin margin active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) {
    loop.yield
  }
  return
}

// -----

func.func @mark(%v: tensor<?xi1>, %cap: index) {
  // expected-error @below {{expected frozen, free, mean or blend, and not 'cold'}}
  %s = loop.adaptive predicate active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) carry(cold %x = %v : tensor<?xi1>) {
    loop.yield
  }
  return
}

// -----

func.func @halt(%v: tensor<?xi1>, %cap: index) {
  %x, %s = loop.adaptive region active(%r = %v : tensor<?xi1>) cap(%cap) step(%t) carry(frozen %x = %v : tensor<?xi1>) {
    loop.yield %x : tensor<?xi1>
  // expected-error @below {{expected 3 arguments (the step, each carried value before it, each after it), got 2}}
  } halt(%step, %before) {
    loop.yield %before : tensor<?xi1>
  }
  return
}

// -----

func.func @partial(%x: tensor<?xf32>) {
  // expected-error @below {{unknown partial 'skip'}}
  loop.segment size 4 partial(skip) number(%n) blocks(%b = %x along 0 : tensor<?xf32>) {
    loop.yield
  }
  return
}

// -----

func.func @solver(%z: tensor<?x4xf32>, %tol: f32, %cap: index) {
  // expected-error @below {{unknown solver 'broyden'}}
  %a, %b, %c = loop.fixed_point broyden tolerance(%tol) cap(%cap) init(%y = %z : tensor<?x4xf32>) {
    loop.yield %y : tensor<?x4xf32>
  }
  return
}
