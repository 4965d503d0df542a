// .npy: magic, version, header length, a Python dict literal with descr, fortran_order and shape, data.
#include "Npy.h"
#include "Bytes.h"
#include "attnc/Support/TensorFiles.h"

namespace attnc {
namespace {

struct Row {
  std::string_view descr;
  DType dtype;
};
constexpr Row rows[] = {
    {"<f8", DType::F64},
    {"<f4", DType::F32},
    {"<f2", DType::F16},
    {"<i8", DType::I64},
    {"<i4", DType::I32},
    {"<i2", DType::I16},
    {"|i1", DType::I8},
    {"|u1", DType::U8},
    {"|b1", DType::I1},
};

Error damaged(std::string_view why) { return makeError(ErrorKind::Format, "not a valid .npy file: ", why); }

/// The dict literal, read strictly: these three keys, once each, in any order.
class HeaderParser {
public:
  explicit HeaderParser(std::string_view text) : text(text) {}

  std::string descr;
  bool fortran = false;
  Shape shape;

  Status parse() {
    ATTNC_CHECK(expect('{'));
    bool seenDescr = false, seenOrder = false, seenShape = false;
    while (!accept('}')) {
      ATTNC_TRY(std::string key, string());
      ATTNC_CHECK(expect(':'));
      if (key == "descr" && !std::exchange(seenDescr, true)) {
        ATTNC_CHECK(parseDescr());
      } else if (key == "fortran_order" && !std::exchange(seenOrder, true)) {
        fortran = word("True");
        if (!fortran && !word("False"))
          return damaged("fortran_order is neither True nor False");
      } else if (key == "shape" && !std::exchange(seenShape, true)) {
        ATTNC_CHECK(parseShape());
      } else {
        return damaged("unexpected header key");
      }
      if (!accept(',')) {
        ATTNC_CHECK(expect('}'));
        break;
      }
    }
    space();
    if (at != text.size() || !seenDescr || !seenOrder || !seenShape)
      return damaged("the header is incomplete");
    return {};
  }

private:
  void space() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  bool accept(char c) {
    space();
    if (at == text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }
  Status expect(char c) {
    if (!accept(c))
      return damaged(concat("the header lacks '", c, "'"));
    return {};
  }
  bool word(std::string_view expected) {
    space();
    if (!text.substr(at).starts_with(expected))
      return false;
    at += expected.size();
    return true;
  }
  Expected<std::string> string() {
    if (!accept('\'') && !accept('"'))
      return damaged("the header is not a dict of strings");
    size_t end = text.find(text[at - 1], at);
    if (end == std::string_view::npos)
      return damaged("a string of the header does not end");
    std::string out(text.substr(at, end - at));
    at = end + 1;
    return out;
  }
  Status parseDescr() {
    if (accept('['))
      return makeError(ErrorKind::Unsupported, "structured .npy arrays are not supported");
    ATTNC_TRY(descr, string());
    return {};
  }
  Status parseShape() {
    ATTNC_CHECK(expect('('));
    while (!accept(')')) {
      int64_t dim = 0;
      size_t first = (space(), at);
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        dim = dim * 10 + (text[at] - '0');
        if (dim > maxDim)
          return damaged("a dimension is too large");
      }
      if (at == first || shape.size() == maxRank)
        return damaged("its shape is not a tuple of sizes");
      shape.push_back(dim);
      if (!accept(',')) {
        ATTNC_CHECK(expect(')'));
        break;
      }
    }
    return {};
  }

  std::string_view text;
  size_t at = 0;
};

/// Column-major bytes into row-major ones.
Expected<Tensor> fromFortran(const Tensor &tensor) {
  const Shape &shape = tensor.shape();
  size_t item = dtypeSize(tensor.dtype());
  ATTNC_TRY(Tensor out, Tensor::allocate(tensor.dtype(), shape));
  std::vector<uint64_t> strides(shape.size()), index(shape.size());
  uint64_t stride = item;
  for (size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= uint64_t(shape[d]);
  }
  uint64_t from = 0;
  for (uint64_t i = 0, count = tensor.elements(); i < count; ++i) {
    std::memcpy(out.mutableData() + i * item, tensor.data() + from, item);
    for (size_t d = shape.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < uint64_t(shape[d]))
        break;
      from -= strides[d] * uint64_t(shape[d]);
      index[d] = 0;
    }
  }
  return out;
}

} // namespace

Expected<Tensor> parseNpy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  ByteReader r(bytes);
  if (r.text(6) != "\x93NUMPY")
    return damaged("it does not begin with the magic bytes");
  uint16_t version = r.u16() & 255; // the major version; the minor one is always 0
  if (version < 1 || version > 3)
    return damaged("its version is unknown");
  uint64_t length = version == 1 ? r.u16() : r.u32();
  std::string_view header = r.text(length);
  if (!r.ok())
    return damaged("the header is truncated");
  HeaderParser parser(header);
  ATTNC_CHECK(parser.parse());
  std::optional<DType> dtype;
  for (const Row &row : rows)
    if (row.descr == parser.descr || (row.descr[0] == '|' && row.descr.substr(1) == parser.descr))
      dtype = row.dtype;
  if (!dtype)
    return makeError(ErrorKind::Unsupported, "its element type '", parser.descr.substr(0, 16),
                     "' is not supported (expected f2, f4, f8, i1, i2, i4, i8, u1 or b1, little-endian)");
  auto size = tensorBytes(*dtype, parser.shape);
  if (!size || *size != r.left())
    return damaged(concat("it holds ", r.left(), " bytes of data, shape ", shapeText(parser.shape),
                          " of ", dtypeName(*dtype), " needs ", size ? concat(*size) : "more"));
  Tensor out = Tensor::borrow(*dtype, parser.shape, bytes.data() + r.offset(), std::move(owner));
  if (parser.fortran && parser.shape.size() > 1)
    return fromFortran(out);
  return out;
}

Expected<Tensor> readNpy(const std::string &path) {
  ATTNC_TRY(auto file, MappedFile::open(path));
  auto tensor = parseNpy(file->bytes(), file);
  if (!tensor)
    return inContext(path, tensor.takeError());
  return tensor;
}

Expected<Tensor> npyTensor(const Tensor &tensor) {
  return convertTensor(tensor, tensor.dtype() == DType::BF16 ? DType::F32 : tensor.dtype());
}

std::string npyHeader(const Tensor &tensor) {
  std::string_view descr;
  for (const Row &row : rows)
    if (row.dtype == tensor.dtype())
      descr = row.descr;
  std::string shape;
  for (int64_t dim : tensor.shape())
    shape += concat(dim, tensor.shape().size() == 1 ? "," : ", ");
  if (tensor.shape().size() > 1)
    shape.resize(shape.size() - 2);
  std::string header =
      concat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  // Data starts at a multiple of 64, as NumPy writes it.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  return ByteWriter().text("\x93NUMPY").u16(1).u16(header.size()).text(header).out;
}

Status writeNpy(AtomicFile &file, const Tensor &tensor) {
  ATTNC_TRY(Tensor plain, npyTensor(tensor));
  ATTNC_CHECK(file.write(npyHeader(plain)));
  return file.write(plain.span());
}

} // namespace attnc
