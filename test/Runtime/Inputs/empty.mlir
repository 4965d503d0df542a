func.func @main(%x: i32 {attnc.name = "x"}) -> (i32 {attnc.name = "y"}) {
  return %x : i32
}
