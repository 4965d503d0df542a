// .safetensors: 8 bytes of header length, a JSON header, the data. Tensors cover the data without
// gaps or overlaps, as the format demands.
#include "Bytes.h"
#include "attnc/Support/Json.h"
#include "attnc/Support/TensorFiles.h"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace attnc {
namespace {

constexpr uint64_t maxHeader = 100'000'000; // the format's own limit
constexpr std::string_view names[dtypeCount] = {"F64", "F32", "F16", "BF16", "I64",
                                                "I32", "I16", "I8", "U8", "BOOL"};

Error damaged(std::string_view why) {
  return makeError(ErrorKind::Format, "not a valid .safetensors file: ", why);
}

Expected<Metadata> parseMetadata(const nlohmann::json &value) {
  Metadata out;
  if (!value.is_object())
    return damaged("its metadata is not an object");
  for (auto &[key, text] : value.items()) {
    if (!text.is_string())
      return damaged("its metadata is not all strings");
    out[key] = text.get_ref<const std::string &>();
  }
  return out;
}

bool isOffset(const nlohmann::json &value) { return value.is_number_unsigned(); }

/// One tensor's description; offsets are relative to the data, which has `available` bytes.
Expected<SafetensorsFile::Entry> parseEntry(const std::string &name, const nlohmann::json &value,
                                            uint64_t available) {
  auto bad = [&](std::string_view why) { return damaged(concat("tensor '", name.substr(0, 80), "' ", why)); };
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets"))
    return bad("is not described by dtype, shape and data_offsets");
  const auto &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string() || !shape.is_array() || shape.size() > maxRank || !offsets.is_array() ||
      offsets.size() != 2 || !isOffset(offsets[0]) || !isOffset(offsets[1]))
    return bad("is not described by dtype, shape and data_offsets");
  SafetensorsFile::Entry entry{name, DType::F32, {}, 0, 0};
  auto type = safetensorsDType(dtype.get_ref<const std::string &>());
  if (!type)
    return makeError(ErrorKind::Unsupported, "tensor '", name.substr(0, 80), "' has dtype '",
                     dtype.get_ref<const std::string &>().substr(0, 16), "', which is not supported");
  entry.dtype = *type;
  for (auto &dim : shape) {
    if (!dim.is_number_unsigned() || dim.get<uint64_t>() > uint64_t(maxDim))
      return bad("has a size that is no size");
    entry.shape.push_back(dim.get<int64_t>());
  }
  uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  auto bytes = tensorBytes(entry.dtype, entry.shape);
  if (begin > end || end > available)
    return bad(concat("lies outside the file (bytes ", begin, " to ", end, " of ", available, ")"));
  if (!bytes || *bytes != end - begin)
    return bad(concat("has ", end - begin, " bytes, its shape ", shapeText(entry.shape), " needs ",
                      bytes ? concat(*bytes) : "more"));
  entry.offset = begin, entry.bytes = end - begin;
  return entry;
}

Status checkCoverage(const std::vector<SafetensorsFile::Entry> &entries, uint64_t available) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (auto &e : entries)
    ranges.emplace_back(e.offset, e.offset + e.bytes);
  std::sort(ranges.begin(), ranges.end());
  uint64_t at = 0;
  for (auto [begin, end] : ranges) {
    if (begin != at)
      return damaged(begin < at ? "tensors overlap" : "there is a gap between tensors");
    at = end;
  }
  if (at != available)
    return damaged("there are bytes behind the last tensor");
  return {};
}

Status parseHeader(std::span<const std::byte> file, std::vector<SafetensorsFile::Entry> &entries,
                   Metadata &metadata) {
  ByteReader r(file);
  uint64_t length = r.u64();
  if (!r.ok() || length > maxHeader)
    return damaged("its header length is impossible");
  std::string_view header = r.text(length);
  if (!r.ok())
    return damaged(concat("the header is truncated (", length, " bytes expected, ", r.left(), " found)"));
  if (header.empty() || header[0] != '{')
    return damaged("its header is no JSON object");
  ATTNC_TRY(nlohmann::json json, parseJson(header, "its header"));
  for (auto &[name, value] : json.items()) { // in the order of the names
    if (name == "__metadata__") {
      ATTNC_TRY(metadata, parseMetadata(value));
      continue;
    }
    ATTNC_TRY(auto entry, parseEntry(name, value, r.left()));
    entries.push_back(std::move(entry));
  }
  ATTNC_CHECK(checkCoverage(entries, r.left()));
  for (auto &entry : entries)
    entry.offset += r.offset();
  return {};
}

} // namespace

std::optional<DType> safetensorsDType(std::string_view name) {
  auto *row = std::find(std::begin(names), std::end(names), name);
  return row == std::end(names) ? std::nullopt : std::optional(DType(row - names));
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  SafetensorsFile out;
  ATTNC_TRY(out.file, MappedFile::open(path));
  if (auto status = parseHeader(out.file->bytes(), out.list, out.meta); !status)
    return inContext(path, status.takeError());
  return out;
}

const SafetensorsFile::Entry *SafetensorsFile::find(std::string_view name) const {
  auto at = std::lower_bound(list.begin(), list.end(), name,
                             [](const Entry &e, std::string_view n) { return e.name < n; });
  return at != list.end() && at->name == name ? &*at : nullptr;
}

Tensor SafetensorsFile::tensor(const Entry &entry) const {
  return Tensor::borrow(entry.dtype, entry.shape, file->bytes().data() + entry.offset, file);
}

Status writeSafetensors(AtomicFile &file, std::span<const NamedTensor> tensors, const Metadata &metadata) {
  // Wide elements first, so that every tensor is aligned to its element.
  std::vector<const NamedTensor *> order;
  for (size_t size : {8, 4, 2, 1})
    for (auto &t : tensors)
      if (dtypeSize(t.tensor.dtype()) == size)
        order.push_back(&t);
  JsonWriter w;
  w.beginObject(true);
  if (!metadata.empty()) {
    w.key("__metadata__").beginObject();
    for (auto &[key, value] : metadata)
      w.field(key, value);
    w.endObject();
  }
  uint64_t offset = 0;
  for (auto *t : order) {
    w.key(t->name).beginObject().field("dtype", names[size_t(t->tensor.dtype())]);
    w.key("shape").beginList();
    for (int64_t dim : t->tensor.shape())
      w.value(dim);
    w.endList().key("data_offsets").beginList().value(offset);
    offset += t->tensor.bytes();
    w.value(offset).endList().endObject();
  }
  std::string header = w.endObject().take();
  header.resize((8 + header.size() + 63) / 64 * 64 - 8, ' ');
  ATTNC_CHECK(file.write(ByteWriter().u64(header.size()).out));
  ATTNC_CHECK(file.write(header));
  for (auto *t : order)
    ATTNC_CHECK(file.write(t->tensor.span()));
  return {};
}

} // namespace attnc
