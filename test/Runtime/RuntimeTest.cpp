// The C interface: opening, introspection, running, errors, threads.
#include "Caller.h"
#include <atomic>
#include <thread>

// Calls of malloc and friends, for "nothing is allocated after the first call".
static std::atomic<int64_t> allocations;
void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

TEST(main_computes) {
  Package package("fake.attnpkg");
  REQUIRE(package.status == ATTNC_OK);
  Session session(package);
  Array<float> x({2, 4}, {0, 1, 2, 3, 4, 5, 6, 7}), y({2, 4});
  REQUIRE(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK);
  for (int i = 0; i < 8; ++i)
    EXPECT(y.data()[i] == 2 * float(i) + float(i % 4 + 1));
}

TEST(aligned_tensors_are_used_in_place_and_weights_where_they_are_mapped) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({1, 4}, {1, 2, 3, 4}), y({1, 4});
  Array<int64_t> where({3});
  REQUIRE(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}, {"where", &where.dl, nullptr}}) == ATTNC_OK);
  EXPECT(where.data()[0] == int64_t(x.data()));
  EXPECT(where.data()[1] == int64_t(y.data()));
  EXPECT(where.data()[2] % 4096 == 0); // the first weight, at the beginning of weights.bin
}

TEST(misaligned_tensors_are_copied) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({1, 4}, {1, 2, 3, 4}, 4), y({1, 4}, {}, 12);
  Array<int64_t> where({3});
  REQUIRE(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}, {"where", &where.dl, nullptr}}) == ATTNC_OK);
  EXPECT(where.data()[0] != int64_t(x.data()) && where.data()[0] % 64 == 0 && where.data()[1] % 64 == 0);
  EXPECT(y.data()[0] == 3 && y.data()[3] == 12);
}

TEST(strided_tensors_are_gathered) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({4, 2}, {1, 10, 2, 20, 3, 30, 4, 40}), y({2, 4});
  int64_t shape[] = {2, 4}, strides[] = {1, 2}; // the transpose
  x.dl.shape = shape, x.dl.strides = strides;
  REQUIRE(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK);
  EXPECT(y.data()[0] == 3 && y.data()[1] == 6 && y.data()[4] == 21 && y.data()[7] == 84);
}

TEST(results_belong_to_the_caller) {
  attnc_output outputs[] = {{"y", nullptr, nullptr}};
  {
    Package package("fake.attnpkg");
    Session session(package);
    Array<float> x({1, 4}, {1, 2, 3, 4});
    attnc_input inputs[] = {{"x", &x.dl}};
    REQUIRE(attnc_session_run(session.handle, "main", inputs, 1, outputs, 1, nullptr) == ATTNC_OK);
  }
  DLTensor &y = outputs[0].result->dl_tensor;
  EXPECT(y.ndim == 2 && y.shape[0] == 1 && y.shape[1] == 4 && y.dtype.code == kDLFloat && y.dtype.bits == 32);
  EXPECT(static_cast<float *>(y.data)[3] == 12 && uintptr_t(y.data) % 64 == 0);
  outputs[0].result->deleter(outputs[0].result);
}

TEST(empty_batch) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({0, 4}), y({0, 4});
  EXPECT(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK);
  x.dl.data = nullptr;
  EXPECT(session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK);
}

TEST(sizes_that_only_results_have) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({3}, {1, 2, 3}), y({3}, {4, 5, 6}), z({6});
  REQUIRE(session.run("pairs", {{"x", &x.dl}, {"y", &y.dl}}, {{"z", &z.dl, nullptr}}) == ATTNC_OK);
  EXPECT(z.data()[2] == 3 && z.data()[3] == 4 && z.data()[5] == 6);
  Array<float> large({1000}), larger({2000});
  REQUIRE(session.run("pairs", {{"x", &large.dl}, {"y", &large.dl}}, {{"z", &larger.dl, nullptr}}) == ATTNC_OK);
  EXPECT(session.run("pairs", {{"x", &x.dl}, {"y", &y.dl}}, {{"z", &larger.dl, nullptr}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "expected a tensor of f32 [6] for output 'z', found f32 [2000]");
}

TEST(sizes_must_agree) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({3}), y({4}), thirteen({13});
  EXPECT(session.run("pairs", {{"x", &x.dl}, {"y", &y.dl}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "size 'N' is 3 in input 'x' (dimension 0), but 4 in input 'y' (dimension 0)");
  EXPECT(session.run("pairs", {{"x", &thirteen.dl}, {"y", &thirteen.dl}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "'pairs' cannot run with these sizes: N = 13");
}

TEST(wrong_calls_get_a_sentence) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<float> x({2, 4}), flat({8}), wide({2, 5});
  Array<double> doubles({2, 4});
  auto fails = [&](const char *function, std::vector<attnc_input> inputs, const char *sentence) {
    EXPECT(session.run(function, inputs) == ATTNC_ERROR_ARGUMENT);
    EXPECT_TEXT(session.message(), sentence);
  };
  fails("mian", {}, "no entry 'mian' (it has 'main', 'append', 'remember', 'loop' and 'pairs')");
  fails("begin", {}, "no entry 'begin'");
  fails("main", {}, "input 'x' of 'main' is missing");
  fails("main", {{"z", &x.dl}}, "'main' has no input 'z' (it has 'x')");
  fails("main", {{"x", &x.dl}, {"x", &x.dl}}, "given twice");
  fails("main", {{"x", &flat.dl}}, "expected input 'x' of shape [B, 4], found [8]");
  fails("main", {{"x", &wide.dl}}, "expected input 'x' of shape [B, 4], found [2, 5]");
  fails("main", {{"x", &doubles.dl}}, "expected input 'x' of dtype f32, found f64");
  fails("main", {{"x", nullptr}}, "the tensor for 'x' is null");
  x.dl.device.device_type = kDLCUDA;
  fails("main", {{"x", &x.dl}}, "is not on the CPU");
  x.dl.device.device_type = kDLCPU;
  EXPECT(session.run("main", {{"x", &x.dl}}, {{"q", nullptr, nullptr}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "'main' has no output 'q' (it has 'y', 'where' and 'level')");
  EXPECT(session.run("main", {{"x", &x.dl}}) == ATTNC_OK);
  EXPECT(session.message().empty());
}

TEST(signature_can_be_read) {
  Package package("fake.attnpkg");
  EXPECT(attnc_package_function_count(package.handle) == 5); // not the one that makes initial states
  EXPECT_TEXT(attnc_package_function_name(package.handle, 1), "append");
  EXPECT(attnc_package_function_name(package.handle, 5) == nullptr);
  attnc_tensor_info info{};
  info.size = sizeof info;
  REQUIRE(attnc_package_tensor(package.handle, ATTNC_INPUTS, 1, 0, &info) == ATTNC_OK);
  EXPECT(info.rank == 3 && info.shape[0].value == -1 && info.shape[1].value == 2 && info.dtype.bits == 32);
  EXPECT_TEXT(info.name, "rows");
  EXPECT_TEXT(info.shape[0].name, "B");
  REQUIRE(attnc_package_tensor(package.handle, ATTNC_STATES, 0, 1, &info) == ATTNC_OK);
  EXPECT(info.shape[1].is_capacity == 1);
  EXPECT(attnc_package_tensor_count(package.handle, ATTNC_WEIGHTS, 0) == 2);
  EXPECT(attnc_package_tensor(package.handle, ATTNC_OUTPUTS, 9, 0, &info) == ATTNC_ERROR_ARGUMENT);
  EXPECT(strlen(attnc_package_signature(package.handle)) == 32);
}

TEST(levels_are_chosen_and_forced) {
  for (const char *level : {"avx2", "avx512"}) {
    Package package("fake.attnpkg", level);
    if (package.status == ATTNC_ERROR_UNSUPPORTED) { // this machine's CPU
      EXPECT_TEXT(attnc_last_message(), std::string("level ") + level + " needs ");
      continue;
    }
    REQUIRE(package.status == ATTNC_OK);
    Session session(package);
    Array<float> x({1, 4});
    Array<int32_t> which({});
    REQUIRE(session.run("main", {{"x", &x.dl}}, {{"level", &which.dl, nullptr}}) == ATTNC_OK);
    EXPECT(std::to_string(*which.data()) == std::string(level).substr(3));
  }
  EXPECT(Package("fake.attnpkg", "sse2").status == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(attnc_last_message(), "no code for CPU level 'sse2' (it has avx2, avx512)");
  EXPECT(Package("avx512.attnpkg", "avx2").status == ATTNC_ERROR_ARGUMENT);
}

TEST(other_formats_and_manifests_are_refused) {
  EXPECT(Package("newer.attnpkg").status == ATTNC_ERROR_UNSUPPORTED);
  EXPECT_TEXT(attnc_last_message(), "the package has format 3, this version of attnc reads format 2");
  EXPECT(Package("unknown-key.attnpkg").status == ATTNC_ERROR_FORMAT);
  EXPECT_TEXT(attnc_last_message(), "unknown key");
  EXPECT(Package("other-shape.attnpkg").status == ATTNC_ERROR_FORMAT);
  EXPECT_TEXT(attnc_last_message(), "do not belong together");
  EXPECT(Package("nothing.attnpkg").status == ATTNC_ERROR_FILE);
  EXPECT_TEXT(attnc_last_message(), "no such file or directory");
  EXPECT(Package("fake_avx2.so").status == ATTNC_ERROR_FORMAT);
  EXPECT_TEXT(attnc_last_message(), "not a package");
  EXPECT(Package("").status == ATTNC_ERROR_FILE);
}

TEST(step_limit_stops_and_spoils_states) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<int64_t> n({}, {10}), steps({});
  EXPECT(session.run("loop", {{"n", &n.dl}}, {{"steps", &steps.dl, nullptr}}, 10) == ATTNC_OK);
  EXPECT(*steps.data() == 10);
  EXPECT(session.run("loop", {{"n", &n.dl}}, {}, 9) == ATTNC_ERROR_STEP_LIMIT);
  EXPECT_TEXT(session.message(), "'loop' stopped at the step limit of 9 loop iterations");
  EXPECT(session.run("loop", {{"n", &n.dl}}) == ATTNC_ERROR_ARGUMENT);
  EXPECT_TEXT(session.message(), "half written: reset or restore it");
  Array<float> x({1, 4});
  EXPECT(session.run("main", {{"x", &x.dl}}) == ATTNC_OK); // has no state
  EXPECT(attnc_session_reset(session.handle) == ATTNC_OK);
  EXPECT(session.run("loop", {{"n", &n.dl}}) == ATTNC_OK);
}

TEST(cancel_from_another_thread_and_session_in_use) {
  Package package("fake.attnpkg");
  Session session(package);
  Array<int64_t> n({}, {INT64_MAX}), one({}, {1});
  volatile int32_t cancel = 0;
  std::atomic<attnc_status> result{ATTNC_OK};
  std::thread runner([&] { result = session.run("loop", {{"n", &n.dl}}, {}, 0, &cancel); });
  // The runner has the session once a call from here is refused.
  attnc_status second = ATTNC_OK;
  for (int i = 0; i < 2000 && second != ATTNC_ERROR_BUSY; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    second = attnc_session_save(session.handle, (folder + "/no-such-folder/x").c_str());
  }
  EXPECT(second == ATTNC_ERROR_BUSY);
  EXPECT_TEXT(session.message(), "the session is in use by another thread");
  cancel = 1;
  runner.join();
  EXPECT(result == ATTNC_ERROR_CANCELLED);
  EXPECT(session.run("loop", {{"n", &one.dl}}, {}, 0, &cancel) == ATTNC_ERROR_ARGUMENT); // half written
  attnc_session_reset(session.handle);
  EXPECT(session.run("loop", {{"n", &one.dl}}, {}, 0, &cancel) == ATTNC_ERROR_CANCELLED); // before it begins
  EXPECT(session.run("loop", {{"n", &one.dl}}) == ATTNC_OK);
}

TEST(threads_share_a_package) {
  Package package("fake.attnpkg");
  std::atomic<int> good{0};
  auto work = [&] {
    for (int i = 0; i < 50; ++i) {
      Session session(package);
      Array<float> x({1, 4}, {float(i)}), y({1, 4});
      good += session.run("main", {{"x", &x.dl}}, {{"y", &y.dl, nullptr}}) == ATTNC_OK && y.data()[0] == 2 * float(i) + 1;
    }
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  EXPECT(good == 100);
}

TEST(packages_can_be_open_beside_each_other) {
  // Each has its own code in memory; closing one leaves the other.
  auto first = std::make_unique<Package>("fake.attnpkg", "avx2");
  Package second("fake.attnpkg", "avx2");
  first.reset();
  for (int i = 0; i < 20; ++i)
    EXPECT(Package("fake.attnpkg", "avx2").status == ATTNC_OK);
  Session session(second);
  Array<float> x({1, 4});
  EXPECT(session.run("main", {{"x", &x.dl}}) == ATTNC_OK);
}

TEST(nothing_is_allocated_after_the_first_call) {
  Package package("fake.attnpkg");
  Session session(package, {{"C", 5}});
  Array<float> rows({1, 2, 3}, {}, 4), x({7}), y({7}), z({14}, {}, 4);
  Array<int32_t> appended({});
  std::vector<attnc_input> ringInputs = {{"rows", &rows.dl}}, pairInputs = {{"x", &x.dl}, {"y", &y.dl}};
  std::vector<attnc_output> ringOutputs = {{"appended", &appended.dl, nullptr}}, pairOutputs = {{"z", &z.dl, nullptr}};
  auto both = [&] {
    return attnc_session_run(session.handle, "append", ringInputs.data(), 1, ringOutputs.data(), 1, nullptr) == ATTNC_OK &&
           attnc_session_run(session.handle, "pairs", pairInputs.data(), 2, pairOutputs.data(), 1, nullptr) == ATTNC_OK;
  };
  REQUIRE(both());
  int64_t before = allocations;
  for (int i = 0; i < 10; ++i)
    EXPECT(both());
  EXPECT(allocations == before);
}

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  return check::runAll();
}
