// RUN: attnc-opt %s --attnc-lower-loops --split-input-file --verify-diagnostics

func.func @policies_come_first(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %limit: f32, %cap: index) -> tensor<?x4xf32> {
  // expected-error@below {{expected loops of policy region only; attnc-expand-policies makes them so}}
  %s, %steps = loop.adaptive converge threshold(%limit) on(0) active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %s = %s0 : tensor<?x4xf32>) {
    %new = math.tanh %s : tensor<?x4xf32>
    loop.yield %new : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}

// -----

func.func @width_from_data(%xs: tensor<?x8xf32>, %widths: tensor<?xindex>) -> tensor<?x?xf32> {
  // expected-error@below {{expected the size of dimension 1 of output 0 to be known before the loop}}
  %y = loop.segment size 64 partial(keep) number(%n) blocks(%x = %xs along 0 : tensor<?x8xf32>) carry() -> (along 0 : tensor<?x?xf32>) {
    %c0 = arith.constant 0 : index
    %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
    %width = tensor.extract %widths[%n] : tensor<?xindex>
    %out = tensor.empty(%rows, %width) : tensor<?x?xf32>
    loop.yield %out : tensor<?x?xf32>
  }
  return %y : tensor<?x?xf32>
}
