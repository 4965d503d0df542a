// Control flow of scf: loops and branches that carry and give tensors and scalars.
// RUN: %python %S/check_programs.py %s | FileCheck %s
// CHECK: programs agree

// What is carried: a tensor, a scalar, and two tensors that change places; a trip count that is an input.
func.func @for_carries(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}, %y: tensor<?x4xf32> {attnc.name = "y", attnc.dims = ["N"]}, %times: index {attnc.name = "index_times"})
    -> (tensor<?x4xf32> {attnc.name = "a", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "b", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "c", attnc.dims = ["N"]}, tensor<i64> {attnc.name = "count"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %a, %b, %c, %count = scf.for %i = %c0 to %times step %c1 iter_args(%p = %x, %q = %y, %s = %x, %k = %zero) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i64) {
    %word = arith.index_cast %i : index to i64
    %float = arith.sitofp %word : i64 to f32
    %n = tensor.dim %p, %c0 : tensor<?x4xf32>
    %all = tensor.splat %float[%n] : tensor<?x4xf32>
    %t = arith.addf %s, %all : tensor<?x4xf32>
    %u = arith.mulf %t, %p : tensor<?x4xf32>
    %next = arith.addi %k, %one : i64
    scf.yield %q, %p, %u, %next : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, i64
  }
  %number = tensor.from_elements %count : tensor<i64>
  return %a, %b, %c, %number : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<i64>
}

// Rows written one after the other; the loop's result is read once more behind it.
func.func @for_rows(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x4xf32> {attnc.name = "sums", attnc.dims = ["N"]}, tensor<4xf32> {attnc.name = "last"}, tensor<?x4xf32> {attnc.name = "squares", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %start = tensor.splat %zero : tensor<4xf32>
  %sums, %last = scf.for %i = %c0 to %n step %c1 iter_args(%out = %e, %sum = %start) -> (tensor<?x4xf32>, tensor<4xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
    %new = arith.addf %sum, %row : tensor<4xf32>
    %written = tensor.insert_slice %new into %out[%i, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<?x4xf32>
    scf.yield %written, %new : tensor<?x4xf32>, tensor<4xf32>
  }
  %squares = arith.mulf %sums, %sums : tensor<?x4xf32>
  return %sums, %last, %squares : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>
}

// Loops in loops, a carried element, a bound that is computed from data.
func.func @nested(%x: tensor<6xi32> {attnc.name = "x"}, %n: tensor<i32> {attnc.name = "index_n"})
    -> (tensor<6xi32> {attnc.name = "sorted"}, tensor<i32> {attnc.name = "total"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %c6 = arith.constant 6 : index
  %zero = arith.constant 0 : i32
  %sorted = scf.for %i = %c0 to %c6 step %c1 iter_args(%t = %x) -> tensor<6xi32> {
    %pass = scf.for %j = %c0 to %c5 step %c1 iter_args(%u = %t) -> tensor<6xi32> {
      %k = arith.addi %j, %c1 : index
      %a = tensor.extract %u[%j] : tensor<6xi32>
      %b = tensor.extract %u[%k] : tensor<6xi32>
      %greater = arith.cmpi sgt, %a, %b : i32
      %swapped = scf.if %greater -> tensor<6xi32> {
        %u1 = tensor.insert %b into %u[%j] : tensor<6xi32>
        %u2 = tensor.insert %a into %u1[%k] : tensor<6xi32>
        scf.yield %u2 : tensor<6xi32>
      } else {
        scf.yield %u : tensor<6xi32>
      }
      scf.yield %swapped : tensor<6xi32>
    }
    scf.yield %pass : tensor<6xi32>
  }
  %count = tensor.extract %n[] : tensor<i32>
  %bound = arith.index_cast %count : i32 to index
  %sum = scf.for %i = %c0 to %bound step %c1 iter_args(%s = %zero) -> i32 {
    %v = tensor.extract %sorted[%i] : tensor<6xi32>
    %w = arith.addi %s, %v : i32
    scf.yield %w : i32
  }
  %total = tensor.from_elements %sum : tensor<i32>
  return %sorted, %total : tensor<6xi32>, tensor<i32>
}

// A while loop that stops when the norm is small; what it carries in the test is not what it gives.
func.func @while_converges(%x: tensor<?x3xf32> {attnc.name = "x", attnc.dims = ["N"]})
    -> (tensor<?x3xf32> {attnc.name = "y", attnc.dims = ["N"]}, tensor<i32> {attnc.name = "steps"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %limit = arith.constant 0.125 : f32
  %half = arith.constant 0.5 : f32
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %halves = tensor.splat %half[%n] : tensor<?x3xf32>
  %y, %steps = scf.while (%t = %x, %k = %i0) : (tensor<?x3xf32>, i32) -> (tensor<?x3xf32>, i32) {
    %e = tensor.empty() : tensor<f32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
    %square = arith.mulf %t, %t : tensor<?x3xf32>
    %norm = linalg.reduce { arith.addf } ins(%square : tensor<?x3xf32>) outs(%z : tensor<f32>) dimensions = [0, 1]
    %number = tensor.extract %norm[] : tensor<f32>
    %large = arith.cmpf ogt, %number, %limit : f32
    scf.condition(%large) %t, %k : tensor<?x3xf32>, i32
  } do {
  ^bb0(%t: tensor<?x3xf32>, %k: i32):
    %u = arith.mulf %t, %halves : tensor<?x3xf32>
    %l = arith.addi %k, %i1 : i32
    scf.yield %u, %l : tensor<?x3xf32>, i32
  }
  %count = tensor.from_elements %steps : tensor<i32>
  return %y, %count : tensor<?x3xf32>, tensor<i32>
}

// The work is in the test; the body hands on.
func.func @while_does(%x: tensor<4xf32> {attnc.name = "x"}, %n: i32 {attnc.name = "index_n"})
    -> (tensor<4xf32> {attnc.name = "y"}, tensor<i32> {attnc.name = "steps"}) {
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %y, %k = scf.while (%t = %x, %k = %i0) : (tensor<4xf32>, i32) -> (tensor<4xf32>, i32) {
    %u = arith.addf %t, %x : tensor<4xf32>
    %l = arith.addi %k, %i1 : i32
    %more = arith.cmpi slt, %l, %n : i32
    scf.condition(%more) %u, %l : tensor<4xf32>, i32
  } do {
  ^bb0(%t: tensor<4xf32>, %k: i32):
    scf.yield %t, %k : tensor<4xf32>, i32
  }
  %steps = tensor.from_elements %k : tensor<i32>
  return %y, %steps : tensor<4xf32>, tensor<i32>
}

// Branches give tensors that they compute, that there were before, or that come from a view; scalars; nothing.
func.func @branches(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}, %on: i1 {attnc.name = "on"}, %which: index {attnc.name = "index_which"})
    -> (tensor<?x4xf32> {attnc.name = "computed", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "either", attnc.dims = ["N"]}, tensor<f32> {attnc.name = "number"}, tensor<?x4xf32> {attnc.name = "chosen", attnc.dims = ["N"]}) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %computed = scf.if %on -> tensor<?x4xf32> {
    %a = arith.mulf %x, %x : tensor<?x4xf32>
    scf.yield %a : tensor<?x4xf32>
  } else {
    %b = arith.negf %x : tensor<?x4xf32>
    scf.yield %b : tensor<?x4xf32>
  }
  %either, %number = scf.if %on -> (tensor<?x4xf32>, f32) {
    scf.yield %x, %one : tensor<?x4xf32>, f32
  } else {
    scf.yield %computed, %zero : tensor<?x4xf32>, f32
  }
  %chosen = scf.index_switch %which -> tensor<?x4xf32>
  case 0 {
    %a = arith.addf %x, %x : tensor<?x4xf32>
    scf.yield %a : tensor<?x4xf32>
  }
  case 2 {
    scf.yield %computed : tensor<?x4xf32>
  }
  default {
    %c = arith.subf %x, %computed : tensor<?x4xf32>
    scf.yield %c : tensor<?x4xf32>
  }
  %scalar = tensor.from_elements %number : tensor<f32>
  return %computed, %either, %scalar, %chosen : tensor<?x4xf32>, tensor<?x4xf32>, tensor<f32>, tensor<?x4xf32>
}

// Branches in loops: a learned program's switch, chosen by the data of each step.
func.func @switch_in_loop(%x: tensor<4xf32> {attnc.name = "x"}, %program: tensor<?xi32> {attnc.name = "index_program", attnc.dims = ["N"]})
    -> (tensor<4xf32> {attnc.name = "y"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %program, %c0 : tensor<?xi32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%t = %x) -> tensor<4xf32> {
    %op = tensor.extract %program[%i] : tensor<?xi32>
    %which = arith.index_cast %op : i32 to index
    %next = scf.index_switch %which -> tensor<4xf32>
    case 0 {
      %a = arith.addf %t, %x : tensor<4xf32>
      scf.yield %a : tensor<4xf32>
    }
    case 1 {
      %a = arith.mulf %t, %x : tensor<4xf32>
      scf.yield %a : tensor<4xf32>
    }
    case 2 {
      %a = math.tanh %t : tensor<4xf32>
      scf.yield %a : tensor<4xf32>
    }
    default {
      scf.yield %t : tensor<4xf32>
    }
    scf.yield %next : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}

// What a switch gives is read behind something that is computed from it, and so is what its cases yield.
func.func @switch_is_kept(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}, %w: tensor<4x4xf32> {attnc.name = "w"}, %which: index {attnc.name = "index_which"})
    -> (tensor<?x4xf32> {attnc.name = "larger", attnc.dims = ["N"]}, tensor<?x4xf32> {attnc.name = "sum", attnc.dims = ["N"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %before = linalg.tanh ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %chosen = scf.index_switch %which -> tensor<?x4xf32>
  case 0 {
    %a = linalg.exp ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %a : tensor<?x4xf32>
  }
  case 2 {
    %a = linalg.negf ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
    scf.yield %a : tensor<?x4xf32>
  }
  default {
    scf.yield %before : tensor<?x4xf32>
  }
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %product = linalg.matmul ins(%chosen, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%f : tensor<?x4xf32>) -> tensor<?x4xf32>
  %larger = linalg.max ins(%chosen, %product : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %updated = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%chosen : tensor<?x4xf32>) -> tensor<?x4xf32>
  %sum = linalg.add ins(%updated, %before : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %larger, %sum : tensor<?x4xf32>, tensor<?x4xf32>
}
