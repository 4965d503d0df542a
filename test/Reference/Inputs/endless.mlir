// A loop that only a step limit or an interrupt ends.
func.func @main(%n: index) -> index {
  %one = arith.constant 1 : index
  %go = arith.constant true
  %y = scf.while (%a = %n) : (index) -> index {
    scf.condition(%go) %a : index
  } do {
  ^bb0(%a: index):
    %b = arith.addi %a, %one : index
    scf.yield %b : index
  }
  return %y : index
}
