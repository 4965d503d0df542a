// The manifest: what is printed is parsed, and each rule of Manifest.h has a text it refuses.
#include "Check.h"
#include "FakeModel.h"
#include "attnc/Package/Inspect.h"

using namespace attnc;

namespace {

Manifest fake() {
  Manifest m = fakeManifest();
  m.code = {{"cpu", "avx2", "code/avx2.so", std::string(32, 'a')}};
  m.weightsDigest = std::string(32, 'b');
  return m;
}

/// The printed manifest with one place changed is refused with this sentence.
void refuses(const std::string &old, const std::string &replacement, const char *sentence) {
  std::string text = printManifest(fake());
  size_t at = text.find(old);
  if (at == std::string::npos)
    return check::report(__FILE__, __LINE__, "the manifest has no " + old);
  text.replace(at, old.size(), replacement);
  auto parsed = parseManifest(text);
  if (parsed)
    return check::report(__FILE__, __LINE__, "accepted: " + replacement);
  EXPECT_TEXT(parsed.error().message, sentence);
}

/// A changed struct is refused.
template <class Change> void refusesStruct(Change change, const char *sentence) {
  Manifest m = fake();
  change(m);
  auto status = checkManifest(m);
  if (status)
    return check::report(__FILE__, __LINE__, std::string("accepted, expected: ") + sentence);
  EXPECT_TEXT(status.error().message, sentence);
}

} // namespace

TEST(printed_manifests_are_parsed) {
  auto parsed = parseManifest(printManifest(fake()));
  REQUIRE(bool(parsed));
  EXPECT(printManifest(*parsed) == printManifest(fake()));
  EXPECT(signatureOf(*parsed) == signatureOf(fake()));
}

TEST(signatures_differ_with_what_code_relies_on) {
  Manifest a = fake(), b = fake();
  b.functions[0].inputs[0].shape[1] = Dim::fixed(5);
  EXPECT(signatureOf(a) != signatureOf(b));
  Manifest c = fake();
  c.weights[0].offset = 4096, c.code.clear(), c.producer = "other";
  EXPECT(signatureOf(a) == signatureOf(c));
  Manifest d = fake(), e = fake();
  d.weights[1].prepared.reset(), e.sources[0].name = "third";
  EXPECT(signatureOf(a) != signatureOf(d) && signatureOf(a) != signatureOf(e) && signatureOf(d) != signatureOf(e));
}

TEST(schema) {
  refuses("\"format\": 2", "\"format\": 3", "format 3");
  refuses("\"format\": 2", "\"format\": 1", "the package has format 1, this version of attnc reads format 2: compile the model again");
  refuses("\"format\": 2", "\"format\": 0", "format is not an integer from 1");
  refuses("\"format\": 2", "\"format\": \"2\"", "format is not an integer");
  refuses("\"format\": 2", "\"format\": 2.5", "format is not an integer");
  refuses("\"format\": 2,", "", "format is missing");
  refuses("\"format\": 2,", "\"format\": 2, \"format\": 2,", "same key twice");
  refuses("\"format\": 2,", "\"format\": 2, \"extra\": 1,", "unknown key");
  refuses("\"dtype\": \"f32\"", "\"dtype\": \"f31\"", "weights.tensors[0].dtype is no element type");
  refuses("\"coef\": 8", "\"coef\": 8, \"x\": [[[[]]]]", "functions[4].plan[0].size[0] has an unknown key");
  refuses("\"has_loops\": true", "\"has_loops\": 1", "is neither true nor false");
  refuses("\"weights\": [0]", "\"weights\": [-1]", "is not an integer from 0");
  refuses("\"kind\": \"init\"", "\"kind\": \"exit\"", "none of \"entry\", \"init\" and \"prepare\"");
  refuses("\"prepared\": null", "\"prepared\": 1", "weights.tensors[0].prepared is not an object");
  refuses(", \"prepared\": null", "", "weights.tensors[0].prepared is missing");
  refuses("\"sources\": [0]", "\"sources\": [-1]", "sources is not an integer from 0");
  refuses("\"function\": 6", "\"function\": 6, \"x\": 0", "prepared has an unknown key");
  refuses("[4]", "[4e300]", "is not an integer");
  refuses("[4]", "[18446744073709551615]", "is not an integer");
  refuses("{", "[", "is not valid JSON");
  auto deep = parseManifest("{\"format\": " + std::string(100000, '[') + std::string(100000, ']') + "}");
  EXPECT(!deep);
  EXPECT_TEXT(deep.error().message, "nests too deeply");
}

TEST(rules) {
  refusesStruct([](Manifest &m) { m.code.clear(); }, "there is no code");
  refusesStruct([](Manifest &m) { m.code[0].level = "avx9"; }, "is not known");
  refusesStruct([](Manifest &m) { m.code[0].file = "/etc/passwd"; }, "is not code/avx2.so");
  refusesStruct([](Manifest &m) { m.code[0].digest = "a"; }, "is not a digest");
  refusesStruct([](Manifest &m) { m.code.push_back(m.code[0]); }, "level avx2 occurs twice");
  refusesStruct([](Manifest &m) { m.name = "\033[2J"; }, "control characters");
  refusesStruct([](Manifest &m) { m.functions[1].name = "main"; }, "function 'main' occurs twice");
  refusesStruct([](Manifest &m) { m.functions[0].inputs[0].name = "a b"; }, "odd characters");
  refusesStruct([](Manifest &m) { m.functions[0].symbol = "x;y"; }, "not an identifier");
  refusesStruct([](Manifest &m) { m.functions[0].dims = {}; }, "size 'B' of input 'x' is not among the sizes of 'main'");
  refusesStruct([](Manifest &m) { m.functions[1].dims = {"B"}; }, "size 'C' of state 'ring' is not among");
  refusesStruct([](Manifest &m) { m.functions[0].dims = {"B", "B"}; }, "has a size twice");
  refusesStruct([](Manifest &m) { m.functions[0].bounds = {{"B", 2, 1}}; }, "bounds size 'B' by 2 to 1");
  refusesStruct([](Manifest &m) { m.functions[0].bounds = {{"Q", 1, 2}}; }, "expected one of its sizes");
  refusesStruct([](Manifest &m) { m.functions[0].weights = {2}; }, "uses weight 2, which is not there");
  refusesStruct([](Manifest &m) { m.functions[1].states[0].state = 9; }, "uses state 9");
  refusesStruct([](Manifest &m) { m.functions[1].states[0].state = 1; }, "uses state 1, which is not there, or twice");
  refusesStruct([](Manifest &m) { m.functions[5].inputs = m.functions[0].inputs; }, "neither inputs nor states");
  refusesStruct([](Manifest &m) { m.functions[0].inputs[0].shape[0] = Dim::capacity("B"); }, "only states may have");
  refusesStruct([](Manifest &m) { m.functions[0].inputs[0].shape.resize(17, Dim::fixed(1)); }, "more than 16 sizes");
  refusesStruct([](Manifest &m) { m.states[2].init = 0; }, "initialised by result 0 of 'main', which is not there");
  refusesStruct([](Manifest &m) { m.states[2].init = 77; }, "function 77, which is not there");
  refusesStruct([](Manifest &m) { m.states[2].dtype = DType::F64; }, "its initial value is f32 [B, 2]");
  refusesStruct([](Manifest &m) { m.states[1].shape[0] = Dim::named("C"); }, "both a capacity and a named size");
  refusesStruct([](Manifest &m) { m.states[1].ring->count = "memory"; }, "which is no integer scalar state");
  refusesStruct([](Manifest &m) { m.states[1].ring->dim = 3; }, "runs along dimension 3 of 3");
  refusesStruct([](Manifest &m) { m.states[1].ring->dim = 0; }, "neither static nor a capacity");
  refusesStruct([](Manifest &m) { m.states[1].ring->dim = 2; m.states[1].ring->pinned = 3; }, "out of range");
  refusesStruct([](Manifest &m) { m.states[1].ring->unit = 0; }, "out of range");
  refusesStruct([](Manifest &m) { m.states[0].name = "ring"; }, "which is no integer scalar state");
  refusesStruct([](Manifest &m) { m.weights[1].offset = 8; }, "lies at offset 8");
  refusesStruct([](Manifest &m) { m.weights[1].offset = 0; }, "lies at offset 0");
  refusesStruct([](Manifest &m) { m.weights[0].bytes = 17; }, "has 17 bytes, which is not the size of f32 [4]");
  refusesStruct([](Manifest &m) { m.functions[0].inputs[0].shape[1] = Dim::fixed(maxDim + 1); }, "has size 281474976710657");
  refusesStruct([](Manifest &m) { m.weights[1].shape = {maxDim, maxDim}; }, "which is not the size of f32");
  refusesStruct([](Manifest &m) { m.weights[1].offset = uint64_t(maxDim) + 64; }, "lies at offset 281474976710720");
  refusesStruct([](Manifest &m) { m.weights[1].prepared->function = 7; }, "is prepared by function 7, which is no function that prepares");
  refusesStruct([](Manifest &m) { m.weights[1].prepared->function = 0; }, "is prepared by function 0, which is no function that prepares");
  refusesStruct([](Manifest &m) { m.weights[1].prepared->sources = {1}; }, "is prepared from source 1, which is not there");
  refusesStruct([](Manifest &m) { m.weights[1].prepared->sources = {0, 0}; }, "is prepared from 2 sources, 'twice' takes 1");
  refusesStruct([](Manifest &m) { m.sources[0].shape = {3}; }, "source 'half' of weight 'b' is f32 [3], 'twice' takes f32 [2]");
  refusesStruct([](Manifest &m) { m.sources[0].dtype = DType::F64; }, "source 'half' of weight 'b' is f64 [2], 'twice' takes f32 [2]");
  refusesStruct([](Manifest &m) { m.sources[0].name = "a b"; }, "odd characters");
  refusesStruct([](Manifest &m) { m.sources.push_back(m.sources[0]); }, "source 'half' occurs twice");
  refusesStruct([](Manifest &m) { m.sources.push_back({"x", DType::F32, {maxDim, maxDim}}); }, "source 'x' has an impossible shape");
  refusesStruct([](Manifest &m) { m.functions[6].outputs[0].shape[0] = Dim::fixed(3); }, "weight 'b' is f32 [2], 'twice' makes f32 [3]");
  refusesStruct([](Manifest &m) { m.functions[6].outputs.clear(); }, "expected one output, static sizes, no states and no weights");
  refusesStruct([](Manifest &m) { m.functions[6].weights = {0}; }, "expected one output, static sizes, no states and no weights");
  refusesStruct([](Manifest &m) { m.functions[6].dims = {"B"}; }, "expected one output, static sizes, no states and no weights");
  refusesStruct([](Manifest &m) { m.functions[4].plan[0].below = {1}; }, "goes in a circle");
  refusesStruct([](Manifest &m) { m.functions[4].plan[0].below = {7}; }, "lies above buffer 7");
  refusesStruct([](Manifest &m) { m.functions[4].plan[0].last = -1; }, "lives from 0 to -1");
  refusesStruct([](Manifest &m) { (*m.functions[4].plan[0].size)[0].dims = {"Q"}; }, "has an unknown size");
}

TEST(plans_are_evaluated) {
  const Function f = fake().functions[4];
  auto at = evaluatePlan(f, {{"N", 10}, {"M", 20}});
  REQUIRE(at.has_value());
  EXPECT(at->offsets == std::vector<uint64_t>({0, 80}) && at->bytes == 80 + 144);
  EXPECT(!evaluatePlan(f, {{"N", 10}}));
  EXPECT(!evaluatePlan(f, {{"N", INT64_MAX}, {"M", 20}}));
}

int main() { return check::runAll(); }
