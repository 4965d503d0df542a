// Loads a package and runs every entry with small inputs.
#pragma once

#include "../../lib/Runtime/ElfCheck.h"
#include "../../lib/Runtime/Session.h"

namespace attnc {

inline Status loadAndRun(const std::string &path, const std::string &weights = {}) {
  ATTNC_TRY(auto package, LoadedPackage::open(path, {{}, weights}));
  std::vector<Capacity> capacities;
  for (auto &state : package->manifest().states)
    for (auto &dim : state.shape)
      if (dim.kind == Dim::Kind::Capacity && capacities.empty())
        capacities.push_back({dim.name, 7});
  ATTNC_TRY(auto session, Session::create(package, capacities, 0));
  for (auto &f : package->manifest().functions) {
    if (f.kind != Function::Kind::Entry)
      continue;
    std::vector<Tensor> tensors;
    std::vector<InputRef> inputs;
    std::vector<OutputRef> outputs;
    tensors.reserve(f.inputs.size());
    for (auto &decl : f.inputs) {
      Shape shape;
      for (auto &dim : decl.shape)
        shape.push_back(dim.isStatic() ? dim.value : 2);
      ATTNC_TRY(Tensor t, Tensor::allocate(decl.dtype, shape));
      std::fill_n(t.mutableData(), t.bytes(), std::byte(0));
      tensors.push_back(std::move(t));
      auto &kept = tensors.back();
      inputs.push_back({decl.name, {decl.dtype, int(shape.size()), kept.shape().data(), nullptr, kept.mutableData()}});
    }
    for (auto &decl : f.outputs)
      outputs.push_back({decl.name, std::nullopt, {}});
    ATTNC_CHECK(session->run(f.name, inputs, outputs, {nullptr, 100}));
  }
  ATTNC_TRY(auto file, AtomicFile::create(path + ".state"));
  return session->save(file);
}

} // namespace attnc
