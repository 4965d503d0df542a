// States: initial values, sizes, reset, save and restore, rings, external weights.
#include "Caller.h"
#include "attnc/Support/TensorFiles.h"
#include <filesystem>

using namespace attnc;

namespace {

std::string file(const char *name) { return folder + "/" + name; }

bool appendRows(::Session &session, float first, int64_t batch = 1) {
  std::vector<float> values;
  for (int64_t b = 0; b < batch; ++b)
    for (int i = 0; i < 6; ++i)
      values.push_back(first + float(i / 3) + 100 * float(b));
  Array<float> rows({batch, 2, 3}, values);
  return session.run("append", {{"rows", &rows.dl}}) == ATTNC_OK;
}

/// remember(0): what the memory holds.
std::vector<float> memoryOf(::Session &session, int64_t batch, float add = 0) {
  Array<float> x({batch, 2}, std::vector<float>(size_t(batch) * 2, add)), sum({batch, 2});
  if (session.run("remember", {{"x", &x.dl}}, {{"sum", &sum.dl, nullptr}}) != ATTNC_OK)
    return {};
  return {sum.data(), sum.data() + batch * 2};
}

/// A tensor of a state file as floats.
std::vector<float> saved(const std::string &path, const char *name, Shape *shape = nullptr) {
  auto opened = SafetensorsFile::open(path);
  if (!opened || !opened->find(name))
    return {};
  Tensor t = opened->tensor(*opened->find(name));
  std::vector<float> out(t.elements());
  (void)convertElements(t.dtype(), t.data(), DType::F32, out.data(), t.elements());
  if (shape)
    *shape = t.shape();
  return out;
}

Tensor tensorOf(Shape shape, std::vector<double> values, DType type = DType::F64) {
  auto out = Tensor::allocate(type, std::move(shape));
  (void)convertElements(DType::F64, values.data(), type, out->mutableData(), values.size());
  return *out;
}

Tensor integerOf(int64_t value) {
  auto out = Tensor::allocate(DType::I64, {});
  std::memcpy(out->mutableData(), &value, 8);
  return *out;
}

void write(const std::string &path, std::vector<NamedTensor> tensors, const Metadata &metadata = {}) {
  auto out = AtomicFile::create(path);
  if (!out || !writeSafetensors(*out, tensors, metadata) || !out->commit())
    check::report(__FILE__, __LINE__, "cannot write " + path);
}

} // namespace

TEST(states_begin_as_their_function_says_and_go_on) {
  ::Package package("fake.attnpkg");
  ::Session session(package);
  EXPECT(memoryOf(session, 2) == std::vector<float>({10, 20, 10, 20}));
  EXPECT(memoryOf(session, 2, 1) == std::vector<float>({11, 21, 11, 21}));
  EXPECT(memoryOf(session, 2, 1) == std::vector<float>({12, 22, 12, 22}));
}

TEST(the_first_call_fixes_the_sizes_and_reset_frees_them) {
  ::Package package("fake.attnpkg");
  ::Session session(package);
  EXPECT(memoryOf(session, 2).size() == 4);
  EXPECT(memoryOf(session, 3).empty());
  EXPECT_TEXT(session.message(), "size 'B' is 2 in state 'memory' (fixed by an earlier call; a reset frees it), "
                                 "but 3 in input 'x' (dimension 0)");
  Array<float> x({5, 4});
  EXPECT(session.run("main", {{"x", &x.dl}}) == ATTNC_OK); // its B is not that of the states
  EXPECT(attnc_session_reset(session.handle) == ATTNC_OK);
  EXPECT(memoryOf(session, 3) == std::vector<float>({10, 20, 10, 20, 10, 20}));
}

TEST(a_refused_call_changes_nothing) {
  ::Package package("fake.attnpkg");
  ::Session session(package);
  Array<float> x({2, 2}), wrong({9, 9});
  EXPECT(session.run("remember", {{"x", &x.dl}}, {{"sum", &wrong.dl, nullptr}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT(memoryOf(session, 3).size() == 6); // B is still free
}

TEST(capacities_are_needed_and_checked) {
  ::Package package("fake.attnpkg");
  ::Session none(package);
  EXPECT(!appendRows(none, 0));
  EXPECT_TEXT(none.message(), "size 'C' of state 'ring' is not known: give the capacity when the session is made (--capacity C=N)");
  EXPECT(::Session(package, {{"D", 4}}).status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "the package has no capacity 'D' (it has 'C')");
  EXPECT(::Session(package, {{"C", 0}}).status == ATTNC_ERROR_ARGUMENT);
  EXPECT(::Session(package, {{"C", 1}}).status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "expected more than the 1 pinned rows");
}

TEST(a_ring_is_saved_oldest_first_and_valid_rows_only) {
  ::Package package("fake.attnpkg");
  for (int calls = 0; calls <= 6; ++calls) {
    ::Session session(package, {{"C", 6}});
    REQUIRE(memoryOf(session, 1).size() == 2); // fixes B
    for (int i = 0; i < calls; ++i)
      REQUIRE(appendRows(session, float(2 * i)));
    REQUIRE(attnc_session_save(session.handle, file("ring.safetensors").c_str()) == ATTNC_OK);
    Shape shape;
    auto rows = saved(file("ring.safetensors"), "ring", &shape);
    std::vector<float> expected;
    int appended = 2 * calls, kept = std::min(appended, 6);
    for (int i = 0; i < kept; ++i) {
      int position = i < 1 ? i : appended - kept + i; // the first is pinned
      expected.insert(expected.end(), 3, float(position));
    }
    EXPECT(shape == Shape({1, kept, 3}));
    EXPECT(rows == expected);
    EXPECT(saved(file("ring.safetensors"), "count") == std::vector<float>{float(calls)});
  }
}

TEST(a_restored_session_goes_on_as_if_never_stopped) {
  ::Package package("fake.attnpkg");
  for (int first = 0; first <= 5; ++first) {
    ::Session whole(package, {{"C", 6}}), begun(package, {{"C", 6}}), resumed(package, {{"C", 6}});
    memoryOf(whole, 2, 1), memoryOf(begun, 2, 1);
    for (int i = 0; i < first; ++i)
      REQUIRE(appendRows(whole, float(i * 2), 2) && appendRows(begun, float(i * 2), 2));
    REQUIRE(attnc_session_save(begun.handle, file("begun.safetensors").c_str()) == ATTNC_OK);
    REQUIRE(attnc_session_restore(resumed.handle, file("begun.safetensors").c_str()) == ATTNC_OK);
    for (int i = first; i < first + 2; ++i)
      REQUIRE(appendRows(whole, float(i * 2), 2) && appendRows(resumed, float(i * 2), 2));
    EXPECT(memoryOf(whole, 2, 1) == memoryOf(resumed, 2, 1));
    REQUIRE(attnc_session_save(whole.handle, file("a.safetensors").c_str()) == ATTNC_OK);
    REQUIRE(attnc_session_save(resumed.handle, file("b.safetensors").c_str()) == ATTNC_OK);
    for (const char *name : {"ring", "memory", "count", "total"})
      EXPECT(saved(file("a.safetensors"), name) == saved(file("b.safetensors"), name));
  }
}

TEST(a_ring_moves_to_a_shorter_one) {
  ::Package package("fake.attnpkg");
  ::Session large(package, {{"C", 8}}), small(package, {{"C", 4}});
  memoryOf(large, 1);
  for (int i = 0; i < 6; ++i)
    appendRows(large, float(i * 2));
  REQUIRE(attnc_session_save(large.handle, file("large.safetensors").c_str()) == ATTNC_OK);
  REQUIRE(attnc_session_restore(small.handle, file("large.safetensors").c_str()) == ATTNC_OK);
  REQUIRE(attnc_session_save(small.handle, file("small.safetensors").c_str()) == ATTNC_OK);
  EXPECT(saved(file("small.safetensors"), "ring") == std::vector<float>({0, 0, 0, 9, 9, 9, 10, 10, 10, 11, 11, 11}));
  // The other way is not possible: the rows are gone.
  EXPECT(attnc_session_restore(large.handle, file("small.safetensors").c_str()) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(large.message(), "expected 8 rows in state 'ring' after 12 were appended, found 4");
}

TEST(states_of_another_producer_are_taken_if_they_fit) {
  ::Package package("fake.attnpkg");
  ::Session session(package, {{"C", 6}});
  auto with = [&](Tensor ring, Tensor count, Tensor memory) {
    return std::vector<NamedTensor>{{"ring", ring}, {"count", count}, {"memory", memory}, {"total", tensorOf({}, {3})}};
  };
  Tensor ring = tensorOf({1, 2, 3}, {1, 1, 1, 2, 2, 2}), memory = tensorOf({1, 2}, {5, 6}, DType::BF16);
  auto restores = [&](std::vector<NamedTensor> tensors, const Metadata &metadata = {}) {
    write(file("other.safetensors"), tensors, metadata);
    return attnc_session_restore(session.handle, file("other.safetensors").c_str());
  };
  EXPECT(restores(with(ring, integerOf(1), memory)) == ATTNC_OK);
  EXPECT(memoryOf(session, 1) == std::vector<float>({5, 6}));
  EXPECT(memoryOf(session, 1, 1) == std::vector<float>({6, 7}));

  auto refuses = [&](std::vector<NamedTensor> tensors, const char *sentence, const Metadata &metadata = {}) {
    EXPECT(restores(std::move(tensors), metadata) == ATTNC_ERROR_ARGUMENT);
    EXPECT_TEXT(session.message(), sentence);
    EXPECT(memoryOf(session, 1) == std::vector<float>({6, 7})); // unchanged
  };
  refuses(with(ring, integerOf(2), memory), "expected 4 rows in state 'ring' after 4 were appended, found 2");
  refuses(with(ring, integerOf(-1), memory), "state 'count' is -1, which counts no rows");
  refuses(with(ring, integerOf(INT64_MAX / 2), memory), "does not fit i32");
  refuses(with(ring, tensorOf({}, {1}), memory), "state 'count': f64 does not convert to i32");
  refuses(with(ring, integerOf(1), tensorOf({2, 2}, {1, 2, 3, 4})), "size 'B' is 1, but 2 in state 'memory'");
  refuses(with(ring, integerOf(1), tensorOf({1, 3}, {1, 2, 3})), "expected state 'memory' of shape [B, 2], found [1, 3]");
  refuses({{"ring", ring}}, "state 'count' is missing");
  auto extra = with(ring, integerOf(1), memory);
  extra.push_back({"more", memory});
  refuses(extra, "no state 'more' (it has 'count', 'ring', 'memory' and 'total')");
  refuses(with(ring, integerOf(1), memory), "saved by a package with other functions or states",
          {{"attnc.signature", std::string(32, '0')}});
}

TEST(a_save_that_fails_leaves_nothing) {
  ::Package package("fake.attnpkg");
  ::Session session(package, {{"C", 6}});
  EXPECT(attnc_session_save(session.handle, file("no-folder/x.safetensors").c_str()) == ATTNC_ERROR_FILE);
  EXPECT_TEXT(session.message(), "cannot write '");
  EXPECT(attnc_session_save(session.handle, file("unsaved.safetensors").c_str()) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "size 'B' of state 'ring' is not known yet: run an entry first");
  for (auto &entry : std::filesystem::directory_iterator(folder))
    EXPECT(entry.path().filename().string().find("unsaved") == std::string::npos);
}

TEST(external_weights_are_checked_and_converted) {
  EXPECT(::Package("external.attnpkg").status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "compiled with --weights=external: give --weights FILE");
  std::string path = file("weights.safetensors");
  auto open = [&](Tensor w, Tensor half) { // weight b is prepared: twice half
    write(path, {{"w", w}, {"half", half}, {"unused", half}});
    return std::make_unique<::Package>("external.attnpkg", nullptr, path.c_str());
  };
  for (DType type : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    auto package = open(tensorOf({4}, {1, 2, 3, 4}, type), tensorOf({2}, {5, 10}, type));
    REQUIRE(package->status == ATTNC_OK);
    ::Session session(*package);
    Array<float> x({1, 4}), y({1, 4});
    EXPECT(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK && y.data()[3] == 4);
    EXPECT(memoryOf(session, 1) == std::vector<float>({10, 20}));
  }
  EXPECT(open(tensorOf({5}, {1, 2, 3, 4, 5}), tensorOf({2}, {1, 2}))->status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "expected 'w' of shape [4], found [5]");
  EXPECT(open(integerOf(1).reshaped({}), tensorOf({2}, {1, 2}))->status == ATTNC_ERROR_ARGUMENT);
  EXPECT(open(tensorOf({4}, {1, 2, 3, 4}), tensorOf({1, 2}, {1, 2}))->status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "expected 'half' of shape [2], found [1, 2]");
  write(path, {{"w", tensorOf({4}, {1, 2, 3, 4})}});
  EXPECT(::Package("external.attnpkg", nullptr, path.c_str()).status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "tensor 'half' is missing");
  EXPECT(::Package("fake.attnpkg", nullptr, path.c_str()).status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "the package holds its weights");
}
