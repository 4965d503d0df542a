// One test a constraint, named after it (dialects/attnc/README.md).
// RUN: attnc-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{argument 0: attnc.name: expected a string that is not empty, got ""}}
func.func @name_c1(%x: tensor<4xf32> {attnc.name = ""}) {
  return
}

// -----

// expected-error @below {{result 0: attnc.name: expected a string that is not empty, got 3 : i64}}
func.func @name_c1_result(%x: tensor<4xf32>) -> (tensor<4xf32> {attnc.name = 3}) {
  return %x : tensor<4xf32>
}

// -----

// expected-error @below {{argument 0: attnc.nmae: unknown; expected attnc.name, dims, state, init or ring}}
func.func @unknown(%x: tensor<4xf32> {attnc.nmae = "x"}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.dims: expected 2 names as 'tensor<?x4x?xf32>' has dynamic dimensions, got 1}}
func.func @dims_c1(%x: tensor<?x4x?xf32> {attnc.name = "x", attnc.dims = ["B"]}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.dims: expected an array of strings, got "B"}}
func.func @dims_c1_array(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = "B"}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.dims: expected a name of one word (or "capacity" and one), got "batch size"}}
func.func @dims_c2_word(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["batch size"]}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.dims: expected a capacity on a state only, got "capacity S" without attnc.state}}
func.func @dims_c2_capacity(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["capacity S"]}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.state: expected a string that is not empty, got unit}}
func.func @state_c1_name(%x: tensor<4xf32> {attnc.state}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.state: expected a state to be a ranked tensor, got 'i32'}}
func.func @state_c1_type(%x: i32 {attnc.state = "n"}) {
  return
}

// -----

func.func @one(%x: tensor<4xf32> {attnc.state = "s"}) {
  return
}
// expected-error @below {{argument 0: expected the state 's' to be as in @one, tensor<4xf32>, got tensor<5xf32>}}
func.func @state_c2(%x: tensor<5xf32> {attnc.state = "s"}) {
  return
}

// -----

func.func @one(%x: tensor<?xf32> {attnc.state = "s", attnc.dims = ["B"]}) {
  return
}
// expected-error @below {{argument 0: expected the state 's' to be as in @one, tensor<?xf32> ["B"], got tensor<?xf32> ["C"]}}
func.func @state_c2_dims(%x: tensor<?xf32> {attnc.state = "s", attnc.dims = ["C"]}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.init: expected @f or [@f, number of the result], got "f"}}
func.func @init_c1(%x: tensor<4xf32> {attnc.state = "s", attnc.init = "f"}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.init: expected attnc.state beside it}}
func.func @init_c1_alone(%x: tensor<4xf32> {attnc.name = "s", attnc.init = @f}) {
  return
}

// -----

// expected-error @below {{argument 0: expected attnc.init to name a function, found none of the name @f}}
func.func @init_c2_exists(%x: tensor<4xf32> {attnc.state = "s", attnc.init = @f}) {
  return
}

// -----

func.func private @f() -> tensor<4xf32>
// expected-error @below {{argument 0: expected @f to have a result 1, it has 1}}
func.func @init_c2_result(%x: tensor<4xf32> {attnc.state = "s", attnc.init = [@f, 1]}) {
  return
}

// -----

func.func private @f(tensor<4xf32>) -> tensor<4xf32>
// expected-error @below {{argument 0: expected @f to take sizes alone (index, with attnc.name), argument 0 is 'tensor<4xf32>'}}
func.func @init_c2_arguments(%x: tensor<4xf32> {attnc.state = "s", attnc.init = @f}) {
  return
}

// -----

func.func private @f() -> tensor<5xf32>
// expected-error @below {{argument 0: expected result 0 of @f to fit 'tensor<4xf32>', got 'tensor<5xf32>'}}
func.func @init_c2_type(%x: tensor<4xf32> {attnc.state = "s", attnc.init = @f}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected {along, count, unit, pinned}, got 3 : i64}}
func.func @ring_c1(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = 3}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected along, count, unit or pinned, got "length"}}
func.func @ring_c1_key(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 0, count = "n", length = 4}}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected attnc.state beside it}}
func.func @ring_c1_alone(%x: tensor<4xf32> {attnc.name = "s", attnc.ring = {along = 0, count = "n"}}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected along to be at least 0 and less than 1, got 1 : i64}}
func.func @ring_c1_along(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 1, count = "n"}}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected along to be at least 0 and less than 1, got none}}
func.func @ring_c1_along_missing(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {count = "n"}}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected unit to be at least 1, got 0 : i64}}
func.func @ring_c1_unit(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 0, unit = 0, count = "n"}}) {
  return
}

// -----

// expected-error @below {{argument 0: attnc.ring: expected count to name the state that counts what was appended}}
func.func @ring_c1_count(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 0}}) {
  return
}

// -----

// expected-error @below {{argument 0: expected the ring's count to name a state of this function, got 'n'}}
func.func @ring_c2_exists(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 0, count = "n"}}) {
  return
}

// -----

// expected-error @below {{argument 0: expected the ring's count to be one integer, got 'tensor<2xi32>'}}
func.func @ring_c2_type(%x: tensor<4xf32> {attnc.state = "s", attnc.ring = {along = 0, count = "n"}}, %n: tensor<2xi32> {attnc.state = "n"}) {
  return
}

// -----

// expected-error @below {{argument 1: expected unique names, got 'x' here and at argument 0}}
func.func @entry_c1(%x: tensor<4xf32> {attnc.name = "x"}, %y: tensor<4xf32> {attnc.name = "x"}) {
  return
}

// -----

// expected-error @below {{argument 1: expected attnc.dims to name each dynamic dimension (1) of 'tensor<?x4xf32>', got none}}
func.func @entry_c2(%x: tensor<4xf32> {attnc.name = "x"}, %y: tensor<?x4xf32>) {
  return
}

// -----

// expected-error @below {{result 0: expected attnc.dims to name each dynamic dimension (1) of 'tensor<?xf32>', got none}}
func.func @entry_c2_result(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["B"]}) -> (tensor<?xf32> {attnc.name = "y"}) {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{argument 1: expected one argument of the state 's', got another at 0}}
func.func @entry_c3_one(%x: tensor<4xf32> {attnc.state = "s"}, %y: tensor<4xf32> {attnc.state = "s"}) {
  return
}

// -----

// expected-error @below {{result 0: expected the state 's' to have the type of its argument, 'tensor<4xf32>', got 'tensor<5xf32>'}}
func.func @entry_c3_type(%x: tensor<4xf32> {attnc.state = "s"}, %y: tensor<5xf32>) -> (tensor<5xf32> {attnc.state = "s"}) {
  return %y : tensor<5xf32>
}

// -----

// expected-error @below {{result 0: expected the state 's' to have the dims of its argument, ["B"], got ["C"]}}
func.func @entry_c3_dims(%x: tensor<?xf32> {attnc.state = "s", attnc.dims = ["B"]}) -> (tensor<?xf32> {attnc.state = "s", attnc.dims = ["C"]}) {
  return %x : tensor<?xf32>
}

// -----

// expected-error @below {{expected attnc.bounds to be a dictionary of sizes on a function, got 512 : i64}}
func.func @bounds_c1() attributes {attnc.bounds = 512} {
  return
}

// -----

// expected-error @below {{attnc.bounds: expected array<i64: least, most> for size 'T', got array<i64: 3, 2>}}
func.func @bounds_c1_range(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["T"]}) attributes {attnc.bounds = {T = array<i64: 3, 2>}} {
  return
}

// -----

// expected-error @below {{attnc.bounds: no argument has the size 'S'}}
func.func @bounds_c1_name(%x: tensor<?xf32> {attnc.name = "x", attnc.dims = ["T"]}) attributes {attnc.bounds = {S = array<i64: 1, 2>}} {
  return
}

// -----

// expected-error @below {{expected attnc.kernel on a private function}}
func.func @kernel_c1() attributes {attnc.kernel} {
  return
}

// -----

// expected-error @below {{expected attnc.kernel to have no value, got 1 : i64}}
func.func private @kernel_c1_value() attributes {attnc.kernel = 1} {
  return
}

// -----

// expected-error @below {{expected attnc.name on an argument or result of a function}}
func.func @place() attributes {attnc.name = "main"} {
  return
}

// -----

// expected-error @below {{expected attnc.prepare to have no value, got 1 : i64}}
func.func @prepare_c1_value(%w: tensor<2xf32>) -> tensor<2xf32> attributes {attnc.prepare = 1} {
  return %w : tensor<2xf32>
}

// -----

// expected-error @below {{expected attnc.prepare on a public function}}
func.func private @prepare_c1_private(%w: tensor<2xf32>) -> tensor<2xf32> attributes {attnc.prepare} {
  return %w : tensor<2xf32>
}

// -----

// expected-error @below {{expected attnc.prepare on a public function}}
ml_program.global private @prepare_c1_global(#ml_program.extern : tensor<2xf32>) : tensor<2xf32> {attnc.prepare}

// -----

// expected-error @below {{expected attnc.prepare on a function of static tensors with one result, got '(tensor<?xf32>) -> tensor<?xf32>'}}
func.func @prepare_c1_static(%w: tensor<?xf32>) -> tensor<?xf32> attributes {attnc.prepare} {
  return %w : tensor<?xf32>
}

// -----

// expected-error @below {{expected attnc.prepared to be {by = @function, from = [names]} on an ml_program.global, got "w"}}
ml_program.global private @prepared_c1(#ml_program.extern : tensor<2xf32>) : tensor<2xf32> {attnc.prepared = "w"}

// -----

// expected-error @below {{expected attnc.prepared to be {by = @function, from = [names]} on an ml_program.global}}
func.func @prepared_c1_place() attributes {attnc.prepared = {by = @f, from = ["w"]}} {
  return
}

// -----

// expected-error @below {{argument 0: attnc.prepared: unknown; expected}}
func.func @prepared_c1_argument(%w: tensor<2xf32> {attnc.prepared = {by = @f}}) {
  return
}

// -----

func.func @f(%w: tensor<2xf32>) -> tensor<2xf32> {
  return %w : tensor<2xf32>
}
// expected-error @below {{attnc.prepared: expected a function marked attnc.prepare, found none of the name @f}}
ml_program.global private @prepared_c2(#ml_program.extern : tensor<2xf32>) : tensor<2xf32> {attnc.prepared = {by = @f, from = ["w"]}}

// -----

func.func @f(%w: tensor<2xf32>) -> tensor<2xf32> attributes {attnc.prepare} {
  return %w : tensor<2xf32>
}
// expected-error @below {{attnc.prepared: expected @f to take 1 weights and to return 'tensor<3xf32>', got '(tensor<2xf32>) -> tensor<2xf32>'}}
ml_program.global private @prepared_c2_type(#ml_program.extern : tensor<3xf32>) : tensor<3xf32> {attnc.prepared = {by = @f, from = ["w"]}}
