// A ring of rows, a count, and a memory that begins as twice a weight: memory' = memory + x w, sum = memory' + Σ ring.
ml_program.global private @"w"(#ml_program.extern : tensor<2xf32>) : tensor<2xf32>

func.func @begin(%b: index {attnc.name = "B"}) -> tensor<?x2xf32> {
  %w = ml_program.global_load_const @"w" : tensor<2xf32>
  %e = tensor.empty(%b) : tensor<?x2xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(b, c) -> (c)>, affine_map<(b, c) -> (b, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %out: f32):
    %twice = arith.addf %a, %a : f32
    linalg.yield %twice : f32
  } -> tensor<?x2xf32>
  return %m : tensor<?x2xf32>
}

func.func @append(%x: tensor<?x2xf32> {attnc.name = "x", attnc.dims = ["B"]},
                  %ring: tensor<?x?x2xf32> {attnc.state = "ring", attnc.dims = ["B", "capacity N"], attnc.ring = {along = 1, count = "seen", pinned = 1}},
                  %memory: tensor<?x2xf32> {attnc.state = "memory", attnc.dims = ["B"], attnc.init = @begin},
                  %seen: tensor<i32> {attnc.state = "seen"})
    -> (tensor<?x2xf32> {attnc.name = "sum", attnc.dims = ["B"]}, tensor<?x?x2xf32> {attnc.state = "ring"}, tensor<?x2xf32> {attnc.state = "memory"},
        tensor<i32> {attnc.state = "seen"}) {
  %c0 = arith.constant 0 : index
  %w = ml_program.global_load_const @"w" : tensor<2xf32>
  %b = tensor.dim %x, %c0 : tensor<?x2xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(b, c) -> (b, c)>, affine_map<(b, c) -> (c)>, affine_map<(b, c) -> (b, c)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %w : tensor<?x2xf32>, tensor<2xf32>) outs(%memory : tensor<?x2xf32>) {
  ^bb0(%a: f32, %v: f32, %old: f32):
    %p = arith.mulf %a, %v : f32
    %s = arith.addf %p, %old : f32
    linalg.yield %s : f32
  } -> tensor<?x2xf32>
  %n = tensor.extract %seen[] : tensor<i32>
  %count = arith.index_cast %n : i32 to index
  %row = tensor.expand_shape %x [[0], [1, 2]] output_shape [%b, 1, 2] : tensor<?x2xf32> into tensor<?x1x2xf32>
  %r = attn.ring_append %row into %ring along 1 count(%count) pinned(1) : tensor<?x1x2xf32>, tensor<?x?x2xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b, n, c) -> (b, n, c)>, affine_map<(b, n, c) -> (b, c)>], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%r : tensor<?x?x2xf32>) outs(%m : tensor<?x2xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.addf %a, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %one = arith.constant 1 : i32
  %n1 = arith.addi %n, %one : i32
  %seen1 = tensor.from_elements %n1 : tensor<i32>
  return %sum, %r, %m, %seen1 : tensor<?x2xf32>, tensor<?x?x2xf32>, tensor<?x2xf32>, tensor<i32>
}
