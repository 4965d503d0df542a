// Writes one attn.attention: its dimensions, sources, captures, regions and destinations are drawn.
#pragma once

#include "Generator.h"

#include <functional>

namespace attnc::fuzz {

class AttentionWriter {
public:
  AttentionWriter(Generator &g, Value x) : g(g), x(x), queryLength(g.scope.length) {}
  Value write();

private:
  /// What a region computes, written where it is called.
  using Body = std::function<Value()>;
  struct Source {
    std::string text; ///< the clause, without its mask
    Size length;
    bool isRagged = false, isPaged = false;
    Body mask = {};
  };
  struct Capture {
    Value value;
    std::string indices;
  };

  void chooseSizes();
  std::string chooseQuery();
  Source chooseSource(size_t number);
  Source selfSource();
  Source memorySource(size_t number);
  Source pagedSource(size_t number);
  Source ringSource();
  Source raggedSource();
  std::string validClause(const std::vector<std::string> &limit, bool ofSequence);
  std::string positionsClause(const Size &length, bool perSequence);
  std::string chooseOptions();
  Value arrange(const Value &tokens, Shape split, const std::string &indices, std::string &written);
  Value writeWithDestinations(const std::string &head, const std::string &tail);
  void writeRegions();
  void writeRegion(const std::string &keyword, const Body &body, bool isFloat, const std::string &more = "");
  Value toTokens(const Value &out);

  Body chooseMask();
  Body chooseScore();
  Body choosePost();
  Value clamped(Value index, int64_t count);
  Value binary(const char *op, const Value &a, const Value &b);
  Value compare(const char *how, const Value &a, const Value &b);
  Value toReal(const Value &index);
  size_t capture(const Value &value, const std::string &indices);
  Value captured(size_t number) const;

  Generator &g;
  Value x;
  Size queryLength;
  int64_t groups = 1, heads = 1, width = 1, values = 1;
  std::string normalizer;
  bool isRagged = false;
  std::string rowsOf; ///< the row offsets of ragged queries
  std::string ringOffset;
  std::vector<Source> sources;
  std::vector<Capture> captures;
  Body score, mask, post;
};

} // namespace attnc::fuzz
