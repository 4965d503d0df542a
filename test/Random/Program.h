// A random program: its text, and how its arguments are drawn.
#pragma once

#include "Random.h"

#include <set>
#include <string>
#include <vector>

namespace attnc::fuzz {

/// A size of a tensor: a number, or an index value of the program ("%B").
struct Size {
  int64_t fixed = -1;
  std::string value;

  Size(int64_t fixed) : fixed(fixed) {}
  Size(std::string value) : value(std::move(value)) {}
  bool isStatic() const { return value.empty(); }
  bool operator==(const Size &) const = default;
};
using Shape = std::vector<Size>;

struct Type {
  std::string element;
  Shape shape;
  bool isTensor = true;

  std::string text() const;
  Type withElement(std::string other) const { return {std::move(other), shape, isTensor}; }
};

struct Value {
  std::string name;
  Type type;

  const Shape &shape() const { return type.shape; }
  const std::string &element() const { return type.element; }
};

/// How the elements of an argument are drawn.
struct Fill {
  enum Kind {
    Normal,   ///< times `high`
    Uniform,  ///< low .. high
    Steps,    ///< multiples of 1/4 from low to high: many are equal
    Integers, ///< low .. high + the product of the sizes `limit`
    Bools,    ///< true with probability `high`
    Offsets,  ///< 0 = first ≤ … ≤ last = the product of `limit`
  } kind = Normal;
  double low = 0, high = 1;
  std::vector<std::string> limit = {};
};

struct Argument {
  std::string name;
  Type type;
  Fill fill;
  bool isState = false;
};

/// A weight: a global without a value of its own.
struct Weight {
  std::string name;
  Type type;
  Fill fill;
};

/// A named size, drawn for each case; or one more than another.
struct NamedSize {
  std::string name;
  std::vector<int64_t> choices;
  std::string oneMoreThan = {};
};

struct Program {
  uint64_t seed = 0;
  std::string text;
  bool isDouble = false;
  std::vector<Argument> arguments;
  std::vector<Weight> weights;
  std::vector<NamedSize> sizes;
  std::set<std::string> features; ///< rows of the coverage table
};

/// The program of a seed: the same for ever, as long as the generator is.
Program generate(uint64_t seed);
/// Rows of the coverage table that every run of 400 programs has to have 20 times.
const std::vector<std::string> &requiredFeatures();

} // namespace attnc::fuzz
