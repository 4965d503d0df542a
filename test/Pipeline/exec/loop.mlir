// Segments whose tensors have sizes of their own: a part of a segment, a segment and its padding.
// RUN: %python %S/check_programs.py %s | FileCheck %s
// CHECK: programs agree
// sizes: N=0,1,4,7,21

// Segments of segments: what is left of each is left out of the inner loop.
func.func @parts_of_parts(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}, %s: tensor<4xf32> {attnc.name = "s"})
    -> (tensor<?x4xf32> {attnc.name = "y", attnc.dims = ["N"]}, tensor<4xf32> {attnc.name = "last"}) {
  %y, %last = loop.segment size 8 number(%k) blocks(%b = %x along 0 : tensor<?x4xf32>) carry(%m = %s : tensor<4xf32>) -> (along 0 : tensor<?x4xf32>) {
    %z, %sum = loop.segment size 3 partial(keep) number(%l) blocks(%c = %b along 0 : tensor<?x4xf32>) carry(%t = %m : tensor<4xf32>) -> (along 0 : tensor<?x4xf32>) {
      %e = math.exp %c : tensor<?x4xf32>
      %u = linalg.reduce { arith.maximumf } ins(%e : tensor<?x4xf32>) outs(%t : tensor<4xf32>) dimensions = [0]
      loop.yield %e, %u : tensor<?x4xf32>, tensor<4xf32>
    }
    %w = arith.addf %z, %b : tensor<?x4xf32>
    loop.yield %w, %sum : tensor<?x4xf32>, tensor<4xf32>
  }
  return %y, %last : tensor<?x4xf32>, tensor<4xf32>
}

// A causal difference within each segment: its rows below one another, padded.
func.func @padded(%x: tensor<?x4xf32> {attnc.name = "x", attnc.dims = ["N"]}) -> (tensor<?x4xf32> {attnc.name = "y", attnc.dims = ["N"]}) {
  %y = loop.segment size 4 number(%k) blocks(%b = %x along 0 : tensor<?x4xf32>) -> (along 0 : tensor<?x4xf32>) {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %b, %c0 : tensor<?x4xf32>
    %half = arith.constant 0.5 : f32
    %p = tensor.pad %b low[2, 0] high[0, 0] {
    ^bb0(%i: index, %j: index):
      tensor.yield %half : f32
    } : tensor<?x4xf32> to tensor<?x4xf32>
    %t = math.tanh %p : tensor<?x4xf32>
    %before = tensor.extract_slice %t[0, 0] [%n, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
    %d = arith.subf %b, %before : tensor<?x4xf32>
    loop.yield %d : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// A softmax of whole segments and of what is left.
func.func @softmax(%x: tensor<?x6xf32> {attnc.name = "x", attnc.dims = ["N"]}, %s: tensor<6xf32> {attnc.name = "s"}) -> (tensor<6xf32> {attnc.name = "y"}) {
  %y = loop.segment size 4 partial(keep) number(%k) blocks(%b = %x along 0 : tensor<?x6xf32>) carry(%m = %s : tensor<6xf32>) {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %b, %c0 : tensor<?x6xf32>
    %e = tensor.empty(%n) : tensor<?x6xf32>
    %twice = arith.addf %b, %b : tensor<?x6xf32>
    %p = linalg.softmax dimension(1) ins(%twice : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
    %sum = linalg.reduce { arith.addf } ins(%p : tensor<?x6xf32>) outs(%m : tensor<6xf32>) dimensions = [0]
    loop.yield %sum : tensor<6xf32>
  }
  return %y : tensor<6xf32>
}

// Differences of the rows of each segment: one less than there are rows; and of all rows, where there are any.
func.func @differences(%x: tensor<?x64xf32> {attnc.name = "x", attnc.dims = ["N"]}, %s: tensor<64xf32> {attnc.name = "s"})
    -> (tensor<64xf32> {attnc.name = "largest"}, tensor<64xf32> {attnc.name = "sum"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %largest = loop.segment size 4 number(%k) blocks(%b = %x along 0 : tensor<?x64xf32>) carry(%m = %s : tensor<64xf32>) {
    %n = tensor.dim %b, %c0 : tensor<?x64xf32>
    %less = affine.apply affine_map<(d) -> (d - 1)>(%n)
    %upper = tensor.extract_slice %b[0, 0] [%less, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
    %lower = tensor.extract_slice %b[1, 0] [%less, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
    %d = arith.subf %upper, %lower : tensor<?x64xf32>
    %p = attn.rms_norm %d eps(1.0e-2) : tensor<?x64xf32>
    %w = linalg.reduce { arith.maximumf } ins(%p : tensor<?x64xf32>) outs(%m : tensor<64xf32>) dimensions = [0]
    loop.yield %w : tensor<64xf32>
  }
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %some = arith.cmpi ne, %n, %c0 : index
  %sum = scf.if %some -> tensor<64xf32> {
    %less = arith.subi %n, %c1 : index
    %upper = tensor.extract_slice %x[0, 0] [%less, 64] [1, 1] : tensor<?x64xf32> to tensor<?x64xf32>
    %p = attn.rms_norm %upper eps(1.0e-2) : tensor<?x64xf32>
    %w = linalg.reduce { arith.addf } ins(%p : tensor<?x64xf32>) outs(%s : tensor<64xf32>) dimensions = [0]
    scf.yield %w : tensor<64xf32>
  } else {
    scf.yield %s : tensor<64xf32>
  }
  return %largest, %sum : tensor<64xf32>, tensor<64xf32>
}
