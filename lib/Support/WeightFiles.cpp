// Indices of weights are files of strangers: names, numbers and lengths are compared with what is there.
#include "attnc/Support/WeightFiles.h"
#include "attnc/Support/Json.h"
#include "attnc/Support/TensorFiles.h"
#include <nlohmann/json.hpp>

namespace attnc {
namespace {

using Tensors = std::map<std::string, Tensor, std::less<>>;

Error wrong(std::string_view why) { return makeError(ErrorKind::Format, "not an index of weights: ", why); }

std::string besideIndex(const std::string &index, const std::string &file) {
  size_t slash = index.rfind('/');
  return file.starts_with('/') || slash == std::string::npos ? file : index.substr(0, slash + 1) + file;
}

/// Shards: each tensor is in the file that the map names.
Status readShards(const std::string &index, const nlohmann::json &map, Tensors &tensors) {
  std::map<std::string, SafetensorsFile> shards;
  for (auto &[name, file] : map.items()) {
    if (!file.is_string())
      return wrong("its weight_map is not all names of files");
    const auto &text = file.get_ref<const std::string &>();
    auto shard = shards.find(text);
    if (shard == shards.end()) {
      ATTNC_TRY(auto opened, SafetensorsFile::open(besideIndex(index, text)));
      shard = shards.emplace(text, std::move(opened)).first;
    }
    auto *entry = shard->second.find(name);
    if (!entry)
      return makeError(ErrorKind::Format, "tensor '", name.substr(0, 80), "' is not in '", text.substr(0, 200), "', where the index has it");
    tensors.emplace(name, shard->second.tensor(*entry));
  }
  return {};
}

Expected<Tensor> readPlace(const nlohmann::json &place, const MappedFile &file, std::shared_ptr<const void> owner) {
  const auto &dtype = place["dtype"], &shape = place["shape"], &offset = place["offset"];
  auto type = dtype.is_string() ? safetensorsDType(dtype.get_ref<const std::string &>()) : std::nullopt;
  if (!type || !shape.is_array() || shape.size() > maxRank || !offset.is_number_unsigned())
    return wrong("its dtype, shape or offset is none");
  Shape dims;
  for (auto &dim : shape) {
    if (!dim.is_number_unsigned() || dim.get<uint64_t>() > uint64_t(maxDim))
      return wrong("it has a size that is no size");
    dims.push_back(dim.get<int64_t>());
  }
  auto bytes = tensorBytes(*type, dims);
  uint64_t at = offset.get<uint64_t>(), available = file.bytes().size();
  if (!bytes || at > available || *bytes > available - at)
    return makeError(ErrorKind::Format, "it lies outside its file (", bytes ? concat(*bytes) : "too many", " bytes at ", at, " of ", available, ")");
  return Tensor::borrow(*type, std::move(dims), file.bytes().data() + at, std::move(owner));
}

Status readPlaces(const std::string &index, const nlohmann::json &places, Tensors &tensors) {
  std::map<std::string, std::shared_ptr<const MappedFile>> files;
  for (auto &[name, place] : places.items()) {
    bool whole = place.is_object() && place.contains("file") && place["file"].is_string() && place.contains("offset") && place.contains("dtype") && place.contains("shape");
    if (!whole)
      return wrong(concat("tensor '", name.substr(0, 80), "' is not described by file, offset, dtype and shape"));
    auto &file = files[place["file"].get_ref<const std::string &>()];
    if (!file) {
      ATTNC_TRY(file, MappedFile::open(besideIndex(index, place["file"].get<std::string>())));
    }
    auto tensor = readPlace(place, *file, file);
    if (!tensor)
      return inContext(concat("tensor '", name.substr(0, 80), "'"), tensor.takeError());
    tensors.emplace(name, std::move(*tensor));
  }
  return {};
}

Status readIndex(const std::string &path, Tensors &tensors) {
  ATTNC_TRY(auto file, MappedFile::open(path));
  std::string_view text(reinterpret_cast<const char *>(file->bytes().data()), file->bytes().size());
  ATTNC_TRY(nlohmann::json json, parseJson(text, "the index"));
  if (json.is_object() && json.contains("weight_map") && json["weight_map"].is_object())
    return readShards(path, json["weight_map"], tensors);
  if (json.is_object() && json.contains("tensors") && json["tensors"].is_object())
    return readPlaces(path, json["tensors"], tensors);
  return wrong("it has neither weight_map nor tensors");
}

} // namespace

Expected<WeightFiles> WeightFiles::open(const std::string &path) {
  WeightFiles out;
  if (path.ends_with(".json")) {
    if (auto status = readIndex(path, out.tensors); !status)
      return inContext(path, status.takeError());
    return out;
  }
  ATTNC_TRY(auto file, SafetensorsFile::open(path));
  for (auto &entry : file.entries())
    out.tensors.emplace(entry.name, file.tensor(entry));
  return out;
}

} // namespace attnc
