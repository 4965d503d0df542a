// A test is a function; a program of tests ends with `N passed, N failed`.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char *name;
  void (*body)();
};
inline std::vector<Test> tests;
inline bool failed;
inline int add(const char *name, void (*body)()) { return tests.push_back({name, body}), 0; }

inline void report(const char *file, int line, const std::string &what) {
  std::printf("  %s:%d: %s\n", file, line, what.c_str());
  failed = true;
}

inline void hasText(const char *file, int line, const std::string &text, const std::string &part) {
  if (text.find(part) == std::string::npos)
    report(file, line, "expected \"" + part + "\" in \"" + text + "\"");
}

inline int runAll() {
  int passed = 0, bad = 0;
  for (auto &test : tests) {
    failed = false;
    test.body();
    failed ? ++bad : ++passed;
    if (failed)
      std::printf("FAIL %s\n", test.name);
  }
  std::printf("%d passed, %d failed\n", passed, bad);
  return bad != 0;
}

} // namespace check

#define TEST(name)                                        \
  static void name();                                     \
  static int registered_##name = check::add(#name, name); \
  static void name()
#define EXPECT(...)                                                \
  do {                                                             \
    if (!(__VA_ARGS__))                                            \
      check::report(__FILE__, __LINE__, "expected " #__VA_ARGS__); \
  } while (false)
#define EXPECT_TEXT(text, part) check::hasText(__FILE__, __LINE__, text, part)
/// Goes on only if this holds.
#define REQUIRE(...)                                                      \
  do {                                                                    \
    if (!(__VA_ARGS__))                                                   \
      return check::report(__FILE__, __LINE__, "expected " #__VA_ARGS__); \
  } while (false)
