// a15_programs: small exact programs with for, while and convergence loops (models.md A15).
#v = affine_map<(i) -> (i)>
!vector = tensor<?xf32>
!matrix = tensor<?x?xf32>
!nodes = tensor<?xi1>

// Passes that swap neighbours in the wrong order, until a pass swaps nothing; steps counts the last one too.
func.func @bubble_sort(%x: !vector {attnc.name = "x", attnc.dims = ["N"]})
    -> (!vector {attnc.name = "y", attnc.dims = ["N"]}, tensor<i32> {attnc.name = "steps"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %false = arith.constant false
  %true = arith.constant true
  %n = tensor.dim %x, %c0 : !vector
  %last = arith.subi %n, %c1 : index
  %y, %passes, %more = scf.while (%v = %x, %k = %none, %changed = %true) : (!vector, i32, i1) -> (!vector, i32, i1) {
    scf.condition(%changed) %v, %k, %changed : !vector, i32, i1
  } do {
  ^bb0(%v: !vector, %k: i32, %changed: i1):
    %sorted, %swapped = scf.for %j = %c0 to %last step %c1 iter_args(%a = %v, %any = %false) -> (!vector, i1) {
      %next = arith.addi %j, %c1 : index
      %l = tensor.extract %a[%j] : !vector
      %r = tensor.extract %a[%next] : !vector
      %wrong = arith.cmpf ogt, %l, %r : f32
      %low = arith.select %wrong, %r, %l : f32
      %high = arith.select %wrong, %l, %r : f32
      %a1 = tensor.insert %low into %a[%j] : !vector
      %a2 = tensor.insert %high into %a1[%next] : !vector
      %some = arith.ori %any, %wrong : i1
      scf.yield %a2, %some : !vector, i1
    }
    %k1 = arith.addi %k, %one : i32
    scf.yield %sorted, %k1, %swapped : !vector, i32, i1
  }
  %steps = tensor.from_elements %passes : tensor<i32>
  return %y, %steps : !vector, tensor<i32>
}

// Whether a set of nodes is empty.
func.func private @is_empty(%set: !nodes) -> tensor<i1> {
  %true = arith.constant true
  %e = tensor.empty() : tensor<i1>
  %start = linalg.fill ins(%true : i1) outs(%e : tensor<i1>) -> tensor<i1>
  %empty = linalg.generic {indexing_maps = [#v, affine_map<(i) -> ()>], iterator_types = ["reduction"]} ins(%set : !nodes) outs(%start : tensor<i1>) {
  ^bb0(%in: i1, %so_far: i1):
    %out = arith.xori %in, %true : i1
    %both = arith.andi %so_far, %out : i1
    linalg.yield %both : i1
  } -> tensor<i1>
  return %empty : tensor<i1>
}

// The nodes that an edge leads to from a set.
func.func private @neighbours(%adjacency: tensor<?x?xi32>, %set: !nodes) -> !nodes {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i32
  %false = arith.constant false
  %n = tensor.dim %set, %c0 : !nodes
  %e = tensor.empty(%n) : !nodes
  %nobody = linalg.fill ins(%false : i1) outs(%e : !nodes) -> !nodes
  %reached = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (i)>, affine_map<(j, i) -> (j)>], iterator_types = ["parallel", "reduction"]}
      ins(%adjacency, %set : tensor<?x?xi32>, !nodes) outs(%nobody : !nodes) {
  ^bb0(%edge: i32, %from: i1, %so_far: i1):
    %is = arith.cmpi ne, %edge, %none : i32
    %leads = arith.andi %is, %from : i1
    %any = arith.ori %so_far, %leads : i1
    linalg.yield %any : i1
  } -> !nodes
  return %reached : !nodes
}

// Distances from a source, -1 where it does not reach; steps counts the frontiers until one is empty.
func.func @bfs(%adjacency: tensor<?x?xi32> {attnc.name = "adjacency", attnc.dims = ["N", "N"]}, %source: tensor<i32> {attnc.name = "source"})
    -> (tensor<?xi32> {attnc.name = "distance", attnc.dims = ["N"]}, tensor<i32> {attnc.name = "steps"}) {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i32
  %unknown = arith.constant -1 : i32
  %true = arith.constant true
  %n = tensor.dim %adjacency, %c0 : tensor<?x?xi32>
  %ed = tensor.empty(%n) : tensor<?xi32>
  %ef = tensor.empty(%n) : !nodes
  %d0, %f0 = linalg.generic {indexing_maps = [affine_map<(i) -> ()>, #v, #v], iterator_types = ["parallel"]} ins(%source : tensor<i32>) outs(%ed, %ef : tensor<?xi32>, !nodes) {
  ^bb0(%s: i32, %od: i32, %of: i1):
    %at = linalg.index 0 : index
    %i = arith.index_cast %at : index to i32
    %is = arith.cmpi eq, %i, %s : i32
    %d = arith.select %is, %none, %unknown : i32
    linalg.yield %d, %is : i32, i1
  } -> (tensor<?xi32>, !nodes)
  %outside = func.call @is_empty(%f0) : (!nodes) -> tensor<i1>
  %no = tensor.extract %outside[] : tensor<i1>
  %yes = arith.xori %no, %true : i1
  %inside = tensor.from_elements %yes : tensor<i1>
  %frontier, %distance, %steps = loop.adaptive predicate active(%on = %inside : tensor<i1>) cap(%n) step(%t)
      carry(frozen %f = %f0 : !nodes, frozen %d = %d0 : tensor<?xi32>) {
    %step = arith.index_cast %t : index to i32
    %reached = func.call @neighbours(%adjacency, %f) : (tensor<?x?xi32>, !nodes) -> !nodes
    %new, %far = linalg.generic {indexing_maps = [#v, #v, #v, #v], iterator_types = ["parallel"]} ins(%reached, %d : !nodes, tensor<?xi32>) outs(%ef, %ed : !nodes, tensor<?xi32>) {
    ^bb0(%r: i1, %before: i32, %of: i1, %od: i32):
      %unseen = arith.cmpi slt, %before, %none : i32
      %fresh = arith.andi %r, %unseen : i1
      %after = arith.select %fresh, %step, %before : i32
      linalg.yield %fresh, %after : i1, i32
    } -> (!nodes, tensor<?xi32>)
    %done = func.call @is_empty(%new) : (!nodes) -> tensor<i1>
    loop.yield %new, %far score(%done : tensor<i1>) : !nodes, tensor<?xi32>
  }
  return %distance, %steps : tensor<?xi32>, tensor<i32>
}

// Square roots; each number stops on its own when it changes by less than tol of itself.
func.func @newton(%x: !vector {attnc.name = "x", attnc.dims = ["N"]})
    -> (!vector {attnc.name = "y", attnc.dims = ["N"]}, tensor<?xi32> {attnc.name = "steps", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %true = arith.constant true
  %tol = arith.constant 0.01 : f32
  %cap = arith.constant 12 : index
  %n = tensor.dim %x, %c0 : !vector
  %e = tensor.empty(%n) : !vector
  %y0 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%x : !vector) outs(%e : !vector) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.maximumf %in, %one : f32
    linalg.yield %m : f32
  } -> !vector
  %er = tensor.empty(%n) : tensor<?xi1>
  %all = linalg.fill ins(%true : i1) outs(%er : tensor<?xi1>) -> tensor<?xi1>
  %y, %steps = loop.adaptive converge threshold(%tol) on(0) active(%on = %all : tensor<?xi1>) cap(%cap) step(%t) carry(frozen %v = %y0 : !vector) {
    %new = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]} ins(%x, %v : !vector, !vector) outs(%e : !vector) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %q = arith.divf %a, %b : f32
      %s = arith.addf %b, %q : f32
      %h = arith.divf %s, %two : f32
      linalg.yield %h : f32
    } -> !vector
    loop.yield %new : !vector
  }
  return %y, %steps : !vector, tensor<?xi32>
}

func.func private @dot(%a: !vector, %b: !vector) -> f32 {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<f32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %s = linalg.dot ins(%a, %b : !vector, !vector) outs(%z : tensor<f32>) -> tensor<f32>
  %r = tensor.extract %s[] : tensor<f32>
  return %r : f32
}

// a + factor b
func.func private @plus(%a: !vector, %factor: f32, %b: !vector) -> !vector {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : !vector
  %e = tensor.empty(%n) : !vector
  %r = linalg.generic {indexing_maps = [#v, #v, #v], iterator_types = ["parallel"]} ins(%a, %b : !vector, !vector) outs(%e : !vector) {
  ^bb0(%u: f32, %v: f32, %out: f32):
    %m = arith.mulf %factor, %v : f32
    %s = arith.addf %u, %m : f32
    linalg.yield %s : f32
  } -> !vector
  return %r : !vector
}

// a y = b for a symmetric positive definite a, from y = 0, while |r| > tol |b| and for n steps at most.
func.func @conjugate_gradient(%a: !matrix {attnc.name = "a", attnc.dims = ["N", "N"]}, %b: !vector {attnc.name = "b", attnc.dims = ["N"]})
    -> (!vector {attnc.name = "y", attnc.dims = ["N"]}, tensor<i32> {attnc.name = "steps"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %tol = arith.constant 0.01 : f32
  %n = tensor.dim %b, %c0 : !vector
  %e = tensor.empty(%n) : !vector
  %none = linalg.fill ins(%zero : f32) outs(%e : !vector) -> !vector
  %bb = func.call @dot(%b, %b) : (!vector, !vector) -> f32
  %size = math.sqrt %bb : f32
  %limit = arith.mulf %tol, %size : f32
  %y, %rest, %direction, %last, %count = scf.while (%v = %none, %r = %b, %p = %b, %rr = %bb, %k = %c0) : (!vector, !vector, !vector, f32, index) -> (!vector, !vector, !vector, f32, index) {
    %norm = math.sqrt %rr : f32
    %far = arith.cmpf ogt, %norm, %limit : f32
    %some = arith.cmpi ult, %k, %n : index
    %more = arith.andi %far, %some : i1
    scf.condition(%more) %v, %r, %p, %rr, %k : !vector, !vector, !vector, f32, index
  } do {
  ^bb0(%v: !vector, %r: !vector, %p: !vector, %rr: f32, %k: index):
    %ap = linalg.matvec ins(%a, %p : !matrix, !vector) outs(%none : !vector) -> !vector
    %pap = func.call @dot(%p, %ap) : (!vector, !vector) -> f32
    %alpha = arith.divf %rr, %pap : f32
    %minus = arith.negf %alpha : f32
    %v1 = func.call @plus(%v, %alpha, %p) : (!vector, f32, !vector) -> !vector
    %r1 = func.call @plus(%r, %minus, %ap) : (!vector, f32, !vector) -> !vector
    %rr1 = func.call @dot(%r1, %r1) : (!vector, !vector) -> f32
    %beta = arith.divf %rr1, %rr : f32
    %p1 = func.call @plus(%r1, %beta, %p) : (!vector, f32, !vector) -> !vector
    %k1 = arith.addi %k, %c1 : index
    scf.yield %v1, %r1, %p1, %rr1, %k1 : !vector, !vector, !vector, f32, index
  }
  %number = arith.index_cast %count : index to i32
  %steps = tensor.from_elements %number : tensor<i32>
  return %y, %steps : !vector, tensor<i32>
}

// The same by sweeps y_i = (b_i - sum of a_ij y_j over j other than i) / a_ii in place, until no y_i changes by tol.
func.func @gauss_seidel(%a: !matrix {attnc.name = "a", attnc.dims = ["N", "N"]}, %b: !vector {attnc.name = "b", attnc.dims = ["N"]})
    -> (!vector {attnc.name = "y", attnc.dims = ["N"]}, tensor<i32> {attnc.name = "steps"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %true = arith.constant true
  %tol = arith.constant 0.01 : f32
  %cap = arith.constant 30 : index
  %n = tensor.dim %b, %c0 : !vector
  %e = tensor.empty(%n) : !vector
  %none = linalg.fill ins(%zero : f32) outs(%e : !vector) -> !vector
  %on = tensor.from_elements %true : tensor<i1>
  %y, %steps = loop.adaptive threshold threshold(%tol) compare(lt) active(%running = %on : tensor<i1>) cap(%cap) step(%t) carry(frozen %v = %none : !vector) {
    %swept, %largest = scf.for %i = %c0 to %n step %c1 iter_args(%w = %v, %max = %zero) -> (!vector, f32) {
      %row = tensor.extract_slice %a[%i, 0] [1, %n] [1, 1] : !matrix to !vector
      %sum = func.call @dot(%row, %w) : (!vector, !vector) -> f32
      %bi = tensor.extract %b[%i] : !vector
      %aii = tensor.extract %a[%i, %i] : !matrix
      %old = tensor.extract %w[%i] : !vector
      %own = arith.mulf %aii, %old : f32
      %others = arith.subf %sum, %own : f32
      %left = arith.subf %bi, %others : f32
      %new = arith.divf %left, %aii : f32
      %w1 = tensor.insert %new into %w[%i] : !vector
      %change = arith.subf %new, %old : f32
      %size = math.absf %change : f32
      %max1 = arith.maximumf %max, %size : f32
      scf.yield %w1, %max1 : !vector, f32
    }
    %score = tensor.from_elements %largest : tensor<f32>
    loop.yield %swept score(%score : tensor<f32>) : !vector
  }
  return %y, %steps : !vector, tensor<i32>
}
