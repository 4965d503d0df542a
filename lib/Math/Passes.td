//===- Passes.td - mathematical functions -------------------------*- tablegen -*-===//

#ifndef ATTNC_MATH_PASSES_TD
#define ATTNC_MATH_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"attnc-expand-math"> {
  let summary = "mathematical functions become arithmetic, so that code calls no library";
  let description = [{
    Every op of math on scalars and vectors of f32, f64, f16 and bf16 that no CPU has an instruction for becomes ops of
    arith and those of math that are instructions (fma, sqrt, floor, copysign …). There are no branches, so that loops
    around them can be vectorised. f16 and bf16 are computed in f32.

    So do arith.remf (not on f64) and arith.truncf from f64 to 16 bits, for which LLVM would call a library too.

    Errors are below 2 units of the last place in f32 and 4 in f64 (test/Math measures them); infinities, NaN, signed
    zeros and subnormal numbers are as in C, but for math.exp with fastmath<afn> on f32: below 2^-100 it is 0, and above
    2^127 it stays there, which saves a third of it. Angles of sin, cos and tan are at most 2^46, beyond they are NaN.

    ```mlir
    %y = math.tanh %x : f32
    ```
    becomes a polynomial, a scaling by bits and a division:
    ```mlir
    %r = math.fma %k, %minus_ln2, %x : f32
    ...
    %z = arith.divf %numerator, %denominator : f32
    %y = math.copysign %z, %x : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

#endif
