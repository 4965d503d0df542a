//===- AttnOps.td - the ops of attn -----------------------------*- tablegen -*-===//

#ifndef ATTNC_ATTN_OPS_TD
#define ATTNC_ATTN_OPS_TD

include "AttnDialect.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpAsmInterface.td"

//===-----------------------------------------------------------------------------===//
// attn.attention
//===-----------------------------------------------------------------------------===//

def Attn_AttentionOp : Attn_Op<"attention", [
    IsolatedFromAbove, AttrSizedOperandSegments, Pure, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "attention of queries over one or more sources of keys and values";
  let description = [{
    Over the iteration space (b, g, r, i, j, d, v) (batch, key/value head, query head within its
    group, query, key, query-key width, value width):

        s[b,g,r,i,j]  = score(scale · Σ_d q[b,g,r,i,d] · k[b,g,j,d])
        p             = normaliser over the visible j of all sources together
        out[b,g,r,i,v] = Σ_j post(p[b,g,r,i,j]) · val[b,g,j,v]

    Every tensor operand is written with the dimensions that index it, so that packed projections,
    layouts, grouped heads and shared values are index lists and never copies:

    ```mlir
    %o = attn.attention softmax scale(0.125)
        query %qkv[b, i, 0, g, d] : tensor<?x?x3x8x64xf32>
        source %qkv[b, j, 1, g, d], %qkv[b, j, 2, g, v] : tensor<?x?x3x8x64xf32>, tensor<?x?x3x8x64xf32>
               valid %lengths[b] : tensor<?xi32>
        captures %slopes[g] : tensor<8xf32>
        into %init[b, i, g, v] : tensor<?x?x8x64xf32>
        score(%s, %b, %h, %i, %j, %n, %slope) {
          ...
          attn.yield %biased : f32
        }
        mask(%b, %h, %i, %j, %n, %slope) {
          %causal = arith.cmpi sle, %j, %i : index
          attn.yield %causal : i1
        }
    ```

    The clauses, in this order:

    ```
    attn.attention NORMALIZER scale(FLOAT)
      query %q[…] : type [offset %o] [positions %p[b, i] : type] [rows %r : type]
      (source %k[…], %v[…] : type, type [offset %o] [positions %p[b, j] : type] [valid %n | valid %n[b] : type]
        [pages %t[b] : type] [rows %r : type] [mask(%b, %h, %i, %j, %n, %c : type, …) REGION])+
      [captures %c[…] : type, …] [sink %s[g, r] : type]
      into %init[…] : type [lse %l[…] : type] [entropy %e[…] : type]
      [score(%s, %b, %h, %i, %j, %n, %c, …) REGION] [mask(%b, %h, %i, %j, %n, %c, …) REGION]
      [post(%p, %b, %h, %i, %j, %n, %c, …) REGION] attr-dict
    ```

    An index is one of the seven dimensions or a constant. An operand that lacks a dimension is the same along it.
    i and j in the regions are *positions*: the index plus `offset`, or the element of `positions`. h = g · R + r.
    n is the number of the source. A source may bring its own mask, which replaces the op's for that source (it stands
    in front of the captures, so there they are named with their types). A capture that is written with indices, or is
    a scalar or a tensor of rank 0, reaches the regions as its element; without indices it is passed whole and read
    with `tensor.extract`.

    * `valid` is the number of keys of a source that exist (those at indices behind are never read); below 0 it
      is 0, above what the source has it is that.
    * `pages %t[b]` : the key dimension is paged: page p of sequence b is row t[b, p] of the
      dimension that the key and value index by b, and j runs over pages × the dimension indexed by j.
      A page that the pool does not have has no keys.
    * `rows %o` (queries or a source): ragged; sequence b is rows o[b] .. o[b+1] of the dimension
      indexed by i (or j), in each operand indexed by it; none of them is indexed by b then. i (or j) counts from the
      start of the sequence.
    * `sink %s[g, r]` adds exp(s) to the denominator of softmax (a learned sink; 0: softmax1).
    * `lse` is the natural logarithm of that denominator, over the scores behind the score region, the sink included;
      `entropy` is -Σ_j p log p. Both belong to softmax, in the compute type.

    Rows without a visible key are 0 (log-sum-exp -inf, or the sink; entropy 0). Sums are in f32 (f64 for f64).
    Values of invisible keys must be finite; keys beyond `valid` may hold anything.
    The destination is overwritten where the output's indices reach it. Source of the formula: models.md C, "Rules for all".

    Constraints (README.md gives each in full):

    * attention_c1: there is a source; `source_kinds` says which operands and masks the sources bring
    * attention_c2: one indexing map an operand, over the seven dimensions
    * attention_c3: operand and element types
    * attention_c4: one index a dimension of the operand: a dimension, at most once, or a constant inside
    * attention_c5: the dimensions that may index an operand
    * attention_c6: `offset` or `positions`
    * attention_c7: `pages` come with `valid`, without `rows`; key and value are indexed by b and j
    * attention_c8: `rows` are 1-D and divide a dimension that nothing indexes together with b; not with `valid`
    * attention_c9: a capture indexed by j goes with one source
    * attention_c10: d, j and v are on both sides or on none
    * attention_c11: the output has every b, g, r, i that there is; lse and entropy have the output's
    * attention_c12: static extents agree
    * attention_c13: `sink`, `lse` and `entropy` belong to softmax
    * attention_c14: the scale is finite
    * attention_c15: the regions' arguments
    * attention_c16: the regions' values
    * attention_c17: regions have no memory effects
    * attention_c18: results have the types of their destinations
  }];
  let arguments = (ins
    AnyRankedTensor:$query,
    Optional<Index>:$query_offset,
    Optional<AnyRankedTensor>:$query_positions,
    Optional<AnyRankedTensor>:$query_rows,
    Variadic<AnyType>:$source_operands,
    Variadic<AnyType>:$captures,
    Optional<AnyRankedTensor>:$sink,
    AnyRankedTensor:$output_init,
    Optional<AnyRankedTensor>:$lse_init,
    Optional<AnyRankedTensor>:$entropy_init,
    AffineMapArrayAttr:$indexing_maps,
    DenseI32ArrayAttr:$source_kinds,
    F64Attr:$scale,
    Attn_NormalizerAttr:$normalizer);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region AnyRegion:$score, AnyRegion:$mask, AnyRegion:$post, VariadicRegion<AnyRegion>:$source_masks);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    /// The seven dimensions of the iteration space, in the order of the indexing maps.
    enum Dim : unsigned { B, G, R, I, J, D, V, NumDims };

    /// What a source may bring besides keys and values, as bits of source_kinds, in operand order.
    enum SourceBit : int32_t { HasOffset = 1, HasPositions = 2, HasValid = 4, HasPages = 8, HasRows = 16, HasMask = 32 };

    /// One source, its optional operands null where absent.
    struct Source {
      ::mlir::OpOperand *key, *value;
      ::mlir::OpOperand *offset = nullptr, *positions = nullptr, *valid = nullptr, *pages = nullptr, *rows = nullptr;
      ::mlir::Region *mask = nullptr;
    };
    ::llvm::SmallVector<Source> getSources();

    /// The indexing map of an operand, over the seven dimensions (no results: a scalar, or passed whole).
    ::mlir::AffineMap getMap(::mlir::OpOperand &operand);
    /// A capture is passed whole when it is a ranked tensor with dimensions and an empty map.
    bool isWholeCapture(::mlir::OpOperand &capture);
    /// f64 when query, keys and values all are, f32 otherwise.
    ::mlir::FloatType getComputeType();
    /// Extent of a dimension (J: of the given source) as a value or constant; 1 where nothing is indexed by it.
    /// I and J of ragged operands: all rows of the dimension that `rows` divides.
    ::mlir::OpFoldResult getExtent(::mlir::OpBuilder &b, ::mlir::Location loc, Dim dim, unsigned source = 0);
    ::mlir::MutableOperandRange getDpsInitsMutable();
  }];
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, HasParent<"AttentionOp">]> {
  let summary = "ends a region of attn.attention with its value";
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
}

//===-----------------------------------------------------------------------------===//
// Normalisation and rotary embedding
//===-----------------------------------------------------------------------------===//

def Attn_LayerNormOp : Attn_Op<"layer_norm", [Pure, AttrSizedOperandSegments, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "layer normalisation over the last dimension";
  let description = [{
    y = (x - mean) / √(var + eps) · weight + bias; mean and population variance over the last
    dimension, in f32. weight and bias: [d], both optional.

    ```mlir
    %y = attn.layer_norm %x weight(%g : tensor<256xf32>) bias(%b : tensor<256xf32>) eps(1.0e-5) : tensor<?x?x256xf32>
    ```

    Constraints:

    * norm_c1: the input is of floats and has a last dimension
    * norm_c2: weight and bias have one float for each of its elements
    * norm_c3: eps is finite, 0 or more
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$weight, Optional<AnyRankedTensor>:$bias, F64Attr:$eps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input oilist(`weight` `(` $weight `:` type($weight) `)` | `bias` `(` $bias `:` type($bias) `)`) `eps` `(` $eps `)` attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Attn_RmsNormOp : Attn_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "root-mean-square normalisation over the last dimension";
  let description = [{
    y = x / √(mean(x²) + eps) · weight. weight: [d], optional.

    ```mlir
    %y = attn.rms_norm %x weight(%g : tensor<384xf32>) eps(1.0e-6) : tensor<?x?x384xf32>
    ```

    Constraints:

    * norm_c1: the input is of floats and has a last dimension
    * norm_c2: weight and bias have one float for each of its elements
    * norm_c3: eps is finite, 0 or more
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<AnyRankedTensor>:$weight, F64Attr:$eps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input (`weight` `(` $weight^ `:` type($weight) `)`)? `eps` `(` $eps `)` attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Attn_RotaryOp : Attn_Op<"rotary", [Pure, AttrSizedOperandSegments, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "rotary position embedding of the last dimension";
  let description = [{
    Turns the pairs (2c, 2c+1) (`interleaved`) or (c, c + n/2) (`half_split`) of the first n = `width`
    elements of the last dimension (all of them without `width`) by the angle position · θ_c; the others pass.
    θ_c = base^(-2c/n), or frequencies[c]. cos and sin are multiplied by `factor` (YaRN's, default 1).
    position = offset + index along dimension `along`, or positions[…]: an integer tensor whose
    dimensions are those of the input listed behind `along`. Angles are computed in f64.

    ```mlir
    %r = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : tensor<?x?x6x64xf32>
    %s = attn.rotary interleaved %q along [0, 1] positions(%p : tensor<?x?xi64>) base(1.0e4) width(32) : tensor<?x?x6x64xf32>
    ```

    Constraints:

    * rotary_c1: the input is of floats, of rank 2 or more
    * rotary_c2: `along` lists dimensions in front of the last, each once
    * rotary_c3: counted along one dimension, from `offset`, or given as `positions` for all that are listed
    * rotary_c4: `width` is even and within the last dimension
    * rotary_c5: a positive finite `base`, or as many `frequencies` as there are pairs
    * rotary_c6: `factor` is finite
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<Index>:$offset, Optional<AnyRankedTensor>:$positions,
    Optional<AnyRankedTensor>:$frequencies, DenseI64ArrayAttr:$along, Attn_RotaryLayoutAttr:$layout,
    OptionalAttr<F64Attr>:$base, OptionalAttr<I64Attr>:$width, OptionalAttr<F64Attr>:$factor);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `` $layout $input `along` $along oilist(`offset` `(` $offset `)` | `positions` `(` $positions `:` type($positions) `)`
      | `frequencies` `(` $frequencies `:` type($frequencies) `)` | `base` `(` $base `)` | `width` `(` $width `)` | `factor` `(` $factor `)`)
    attr-dict `:` type($input)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===-----------------------------------------------------------------------------===//
// Rings
//===-----------------------------------------------------------------------------===//

def Attn_RingAppendOp : Attn_Op<"ring_append", [Pure, AllTypesMatch<["ring", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "append rows to a ring buffer with a pinned prefix";
  let description = [{
    The n rows of `rows` along `along` become rows count .. count+n-1 of the sequence that the ring of
    capacity c holds: row t goes to slot t where t < pinned, else to pinned + (t - pinned) mod (c - pinned).
    When n > c, the last ones win. `when` (optional, i1 over the leading dimensions) leaves the rings of other
    entries as they are. All other dimensions of `rows` equal the ring's.

    ```mlir
    %k1 = attn.ring_append %new into %k0 along 2 count(%count) pinned(4)
        : tensor<?x6x?x64xf32>, tensor<?x6x256x64xf32>
    ```

    Constraints:

    * ring_append_c1: rows and ring differ in the extent of `along` only
    * ring_append_c2: 0 ≤ pinned < capacity
    * ring_append_c3: `when` is of i1, over dimensions in front of `along`
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$ring, Index:$count, Optional<AnyRankedTensor>:$when,
    I64Attr:$along, DefaultValuedAttr<I64Attr, "0">:$pinned);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `into` $ring `along` $along `count` `(` $count `)` (`pinned` `(` $pinned^ `)`)? (`when` `(` $when^ `:` type($when) `)`)?
    attr-dict `:` type($rows) `,` type($ring)
  }];
  let hasVerifier = 1;
}

//===-----------------------------------------------------------------------------===//
// The scan family
//===-----------------------------------------------------------------------------===//

def Attn_LinearScanOp : Attn_Op<"linear_scan", [Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "linear attention, retention and gated linear attention";
  let description = [{
    Per sequence b and head h, with state S [K, V]:

        S_t = a_t ⊙ S_{t-1} + k_t v_tᵀ        o_t = S_tᵀ q_t

    queries, keys [B, T, H, K], values [B, T, H, V], state [B, H, K, V]. decay: none (a = 1), [H]
    (retention), [B, T, H] (one per step and head) or [B, T, H, K] (one per step and key dimension).
    Results: outputs [B, T, H, V] and the last state. T = 1 is the step form.

    ```mlir
    %o, %s1 = attn.linear_scan %q, %k, %v state(%s0) decay(%g : tensor<4xf32>)
        : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
    ```

    Constraints:

    * scan_c1: all operands are of floats
    * scan_c2: ranks and extents are those above
    * scan_c3: outputs have the type of the values, the last state that of the state
    * linear_scan_c1: decay has rank 1, 3 or 4
  }];
  let arguments = (ins AnyRankedTensor:$queries, AnyRankedTensor:$keys, AnyRankedTensor:$values, AnyRankedTensor:$state, Optional<AnyRankedTensor>:$decay);
  let results = (outs AnyRankedTensor:$outputs, AnyRankedTensor:$last);
  let assemblyFormat = [{
    $queries `,` $keys `,` $values `state` `(` $state `)` (`decay` `(` $decay^ `:` type($decay) `)`)? attr-dict
    `:` type($queries) `,` type($keys) `,` type($values) `,` type($state)
    custom<ScanResults>(ref(type($values)), ref(type($state)), type($outputs), type($last))
  }];
  let hasVerifier = 1;
}

def Attn_DeltaScanOp : Attn_Op<"delta_scan", [Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the (gated) delta rule";
  let description = [{
    Per sequence b and head h, with state S [K, V]:

        S' = a_t · S_{t-1}        S_t = S' + β_t k_t (v_t - S'ᵀ k_t)ᵀ        o_t = S_tᵀ q_t

    Shapes as linear_scan; beta [B, T, H]; decay [B, T, H], optional.

    ```mlir
    %o, %s1 = attn.delta_scan %q, %k, %v state(%s0) beta(%beta : tensor<?x?x4xf32>)
        : tensor<?x?x4x16xf32>, tensor<?x?x4x16xf32>, tensor<?x?x4x24xf32>, tensor<?x4x16x24xf32>
    ```

    Constraints:

    * scan_c1: all operands are of floats
    * scan_c2: ranks and extents are those above
    * scan_c3: outputs have the type of the values, the last state that of the state
  }];
  let arguments = (ins AnyRankedTensor:$queries, AnyRankedTensor:$keys, AnyRankedTensor:$values, AnyRankedTensor:$state, AnyRankedTensor:$beta, Optional<AnyRankedTensor>:$decay);
  let results = (outs AnyRankedTensor:$outputs, AnyRankedTensor:$last);
  let assemblyFormat = [{
    $queries `,` $keys `,` $values `state` `(` $state `)` `beta` `(` $beta `:` type($beta) `)` (`decay` `(` $decay^ `:` type($decay) `)`)? attr-dict
    `:` type($queries) `,` type($keys) `,` type($values) `,` type($state)
    custom<ScanResults>(ref(type($values)), ref(type($state)), type($outputs), type($last))
  }];
  let hasVerifier = 1;
}

def Attn_SelectiveScanOp : Attn_Op<"selective_scan", [Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the selective state-space scan of Mamba";
  let description = [{
    Per sequence and channel d, with state h [N]:

        h_t[n] = exp(Δ_t[d] · A[d, n]) · h_{t-1}[n] + Δ_t[d] · B_t[n] · x_t[d]        y_t[d] = Σ_n C_t[n] · h_t[n]

    input, delta [B, T, D], a [D, N], b, c [B, T, N], state [B, D, N]. Results: y [B, T, D] and the last state.

    ```mlir
    %y, %h1 = attn.selective_scan %x, %delta, %a, %bt, %ct state(%h0)
        : tensor<?x?x32xf32>, tensor<?x?x32xf32>, tensor<32x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x32x8xf32>
    ```

    Constraints:

    * scan_c1: all operands are of floats
    * scan_c2: ranks and extents are those above
    * scan_c3: outputs have the type of the input, the last state that of the state
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$delta, AnyRankedTensor:$a, AnyRankedTensor:$b, AnyRankedTensor:$c, AnyRankedTensor:$state);
  let results = (outs AnyRankedTensor:$outputs, AnyRankedTensor:$last);
  let assemblyFormat = [{
    $input `,` $delta `,` $a `,` $b `,` $c `state` `(` $state `)` attr-dict
    `:` type($input) `,` type($delta) `,` type($a) `,` type($b) `,` type($c) `,` type($state)
    custom<ScanResults>(ref(type($input)), ref(type($state)), type($outputs), type($last))
  }];
  let hasVerifier = 1;
}

//===-----------------------------------------------------------------------------===//
// Rows, order, randomness
//===-----------------------------------------------------------------------------===//

def Attn_GatherRowsOp : Attn_Op<"gather_rows", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "take rows by index";
  let description = [{
    result[batch…, n…, rest…] = source[batch…, indices[batch…, n…], rest…], with `batch` leading
    dimensions in common. A row whose index lies outside the source is 0.

    ```mlir
    %h = attn.gather_rows %table[%tokens] : tensor<42x256xf32>, tensor<?x?xi32> -> tensor<?x?x256xf32>
    %s = attn.gather_rows %x[%chosen] batch 1 : tensor<?x?x64xf32>, tensor<?x8xi32> -> tensor<?x8x64xf32>
    ```

    Constraints:

    * gather_rows_c1: 0 ≤ batch < rank of the source, and ≤ rank of the indices
    * gather_rows_c2: indices are i32, i64 or index; the result has the source's elements
    * gather_rows_c3: shapes are those above
  }];
  let arguments = (ins AnyRankedTensor:$source, AnyRankedTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source `[` $indices `]` (`batch` $batch^)? attr-dict `:` type($source) `,` type($indices) `->` type($result)";
  let hasVerifier = 1;
}

def Attn_ScatterRowsOp : Attn_Op<"scatter_rows", [Pure, AllTypesMatch<["destination", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "put rows back by index";
  let description = [{
    result = destination with destination[batch…, indices[batch…, n], rest…] set to (or increased by)
    rows[batch…, n, rest…], in the order of n: of equal indices the last wins (`set`), or all add up (`add`).
    Indices outside the destination are ignored.

    ```mlir
    %y = attn.scatter_rows add %rows into %x[%chosen] batch 1 : tensor<?x8x64xf32>, tensor<?x?x64xf32>, tensor<?x8xi32>
    ```

    Constraints:

    * scatter_rows_c1: 0 ≤ batch < rank of the destination, and ≤ rank of the indices
    * scatter_rows_c2: indices are i32, i64 or index; rows have the destination's elements
    * scatter_rows_c3: shapes are those above
  }];
  let arguments = (ins AnyRankedTensor:$rows, AnyRankedTensor:$destination, AnyRankedTensor:$indices, Attn_ScatterModeAttr:$mode, DefaultValuedAttr<I64Attr, "0">:$batch);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "`` $mode $rows `into` $destination `[` $indices `]` (`batch` $batch^)? attr-dict `:` type($rows) `,` type($destination) `,` type($indices)";
  let hasVerifier = 1;
}

def Attn_TopKOp : Attn_Op<"top_k", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "the k largest along the last dimension, with their indices";
  let description = [{
    The k = (last dimension of the results) largest elements in descending order; of equal ones the lower index comes first,
    NaN comes last. A k above the last dimension of the input is undefined.

    ```mlir
    %values, %indices = attn.top_k %x : tensor<?x32xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
    ```
    A dynamic k is given as an operand: `attn.top_k %x k(%n) : tensor<?x?xf32> -> tensor<?x?xf32>, tensor<?x?xi32>`.

    Constraints:

    * order_c1: the input is of numbers and has a last dimension; indices are i32, i64 or index
    * top_k_c1: the results have the input's shape but for k, values its elements
    * top_k_c2: `k` is an operand exactly when the last dimension of the results is dynamic
    * top_k_c3: k is within the last dimension of the input
  }];
  let arguments = (ins AnyRankedTensor:$input, Optional<Index>:$k);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let assemblyFormat = "$input (`k` `(` $k^ `)`)? attr-dict `:` type($input) `->` type($values) `,` type($indices)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Attn_SortOp : Attn_Op<"sort", [Pure, AllTypesMatch<["input", "values"]>, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "stable sort along the last dimension, with the permutation";
  let description = [{
    values[…, n] = input[…, indices[…, n]], ascending or `descending`; equal elements keep their order, NaN comes last.

    ```mlir
    %values, %indices = attn.sort %x descending : tensor<?x?xf32> -> tensor<?x?xi32>
    ```

    Constraints:

    * order_c1: the input is of numbers and has a last dimension; indices are i32, i64 or index
    * sort_c1: indices have the input's shape
  }];
  let arguments = (ins AnyRankedTensor:$input, UnitAttr:$descending);
  let results = (outs AnyRankedTensor:$values, AnyRankedTensor:$indices);
  let assemblyFormat = "$input (`descending` $descending^)? attr-dict `:` type($input) `->` type($indices)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Attn_NonzeroOp : Attn_Op<"nonzero", [Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "where a mask is true, and how often";
  let description = [{
    The row-major indices of the true elements in ascending order, followed by -1 as often as there are false ones, and the
    number of true elements. What indexes rows with it reads and writes the running rows of a loop, without the others.

    ```mlir
    %rows, %count = attn.nonzero %running : tensor<?x?xi1> -> tensor<?xi32>, tensor<i32>
    ```

    Constraints:

    * nonzero_c1: indices and count have one position type; the indices are as many as the mask has elements
  }];
  let arguments = (ins RankedTensorOf<[I1]>:$mask);
  let results = (outs AnyRankedTensor:$indices, AnyRankedTensor:$count);
  let assemblyFormat = "$mask attr-dict `:` type($mask) `->` type($indices) `,` type($count)";
  let hasVerifier = 1;
}

def Attn_RandomBitsOp : Attn_Op<"random_bits", [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "seeded random bits: Philox4x32-10";
  let description = [{
    key = the 64-bit seed, low word first; counter = (draw, step, row, stream). row is the row-major index in the result,
    or rows[…]. Word 0 (and 1, 2, 3, as many results as are asked for) of each row's block. draw and step default to 0.

    ```mlir
    %bits = attn.random_bits seed(%seed) step(%t) stream(3) sizes(%b) : tensor<?xi32>
    %x0, %x1 = attn.random_bits seed(%seed) draw(%d) stream(1) sizes(%b, %t) : tensor<?x?xi32>, tensor<?x?xi32>
    ```

    Constraints:

    * random_bits_c1: one to four results of one type, of i32
    * random_bits_c2: a size for each dynamic dimension
    * random_bits_c3: 0 ≤ stream < 2^32
    * random_bits_c4: `rows` are i32, i64 or index in the results' shape
  }];
  let arguments = (ins I64:$seed, Optional<Index>:$draw, Optional<Index>:$step, Optional<AnyRankedTensor>:$rows,
    Variadic<Index>:$sizes, DefaultValuedAttr<I64Attr, "0">:$stream);
  let results = (outs Variadic<AnyRankedTensor>:$words);
  let assemblyFormat = [{
    `seed` `(` $seed `)` oilist(`draw` `(` $draw `)` | `step` `(` $step `)` | `stream` `(` $stream `)` | `rows` `(` $rows `:` type($rows) `)` | `sizes` `(` $sizes `)`)
    attr-dict `:` type($words)
  }];
  let hasVerifier = 1;
}

#endif
