// What keeps each pattern from applying.
// RUN: attnc-opt %s --attnc-explain-canonicalization --split-input-file --verify-diagnostics

func.func @needed(%valid: tensor<?xi1>, %s0: tensor<?x4xf32>, %limit: f32, %cap: index) -> tensor<?x4xf32> {
  // expected-remark@below {{every carried value is changed and read}}
  // expected-remark@below {{the margin is read, or not there}}
  // expected-remark@below {{rows may run}}
  %s, %steps = loop.adaptive converge threshold(%limit) on(0) active(%running = %valid : tensor<?xi1>) cap(%cap) step(%t)
      carry(frozen %s = %s0 : tensor<?x4xf32>) {
    %new = math.tanh %s : tensor<?x4xf32>
    loop.yield %new : tensor<?x4xf32>
  }
  return %s : tensor<?x4xf32>
}

// -----

func.func @all_read(%xs: tensor<?x8xf32>, %f0: tensor<8xf32>) -> (tensor<?x8xf32>, tensor<8xf32>) {
  // expected-remark@below {{everything is read}}
  %y, %f1 = loop.segment size 64 partial(keep) number(%n) blocks(%x = %xs along 0 : tensor<?x8xf32>)
      carry(%f = %f0 : tensor<8xf32>) -> (along 0 : tensor<?x8xf32>) {
    %out = math.tanh %x : tensor<?x8xf32>
    %next = math.tanh %f : tensor<8xf32>
    loop.yield %out, %next : tensor<?x8xf32>, tensor<8xf32>
  }
  return %y, %f1 : tensor<?x8xf32>, tensor<8xf32>
}
