// A value or the sentence that says why there is none. No function of the runtime half throws across
// a function boundary on purpose: hostile files and wrong calls come back as an Error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace attnc {

/// What kind of failure; the C interface turns it into an error code.
enum class ErrorKind {
  Argument,    // the caller's: unknown name, wrong shape, dtype, size or option
  File,        // a file cannot be opened, read or written
  Format,      // a file is damaged, or not of the format it should be
  Unsupported, // valid, but this build or this machine cannot do it
  Memory,      // not enough memory
  Busy,        // the session is in use by another thread
  Cancelled,   // the cancel flag was set during a run
  StepLimit,   // a run used up the loop iterations it was allowed
  Internal,    // a promise of the compiled code or of this library is broken
};

struct Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string message;
};

namespace detail {
inline void append(std::string &out, std::string_view text) { out += text; }
inline void append(std::string &out, const char *text) { out += text; }
inline void append(std::string &out, char c) { out += c; }
template <class T>
  requires std::is_integral_v<T>
void append(std::string &out, T number) {
  out += std::to_string(number);
}
} // namespace detail

/// Strings, characters and integers in one string.
template <class... Parts> std::string concat(const Parts &...parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

template <class... Parts> Error makeError(ErrorKind kind, const Parts &...parts) {
  return {kind, concat(parts...)};
}

/// `message` with words in front: where it happened.
inline Error inContext(std::string_view where, Error error) {
  error.message = concat(where, ": ", error.message);
  return error;
}

template <class T> class [[nodiscard]] Expected {
public:
  Expected(T value) : value(std::move(value)) {}
  Expected(Error error) : failure(std::move(error)) {}
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, Expected> &&
             !std::is_same_v<std::decay_t<U>, Error> && !std::is_same_v<std::decay_t<U>, T>)
  Expected(U &&other) : value(std::forward<U>(other)) {}

  explicit operator bool() const { return value.has_value(); }
  T &operator*() { return *value; }
  const T &operator*() const { return *value; }
  T *operator->() { return &*value; }
  const T *operator->() const { return &*value; }
  const Error &error() const { return failure; }
  Error takeError() { return std::move(failure); }

private:
  std::optional<T> value;
  Error failure;
};

/// Success or an error; a default-made one is success.
template <> class [[nodiscard]] Expected<void> {
public:
  Expected() = default;
  Expected(Error error) : failure(std::move(error)) {}
  explicit operator bool() const { return !failure; }
  const Error &error() const { return *failure; }
  Error takeError() { return std::move(*failure); }

private:
  std::optional<Error> failure;
};
using Status = Expected<void>;

} // namespace attnc

#define ATTNC_CONCAT_(a, b) a##b
#define ATTNC_CONCAT(a, b) ATTNC_CONCAT_(a, b)

/// ATTNC_CHECK(f()): returns the error of a call that failed.
#define ATTNC_CHECK(...)                                \
  do {                                                  \
    if (auto attncStatus = (__VA_ARGS__); !attncStatus) \
      return attncStatus.takeError();                   \
  } while (false)

/// ATTNC_TRY(auto x, f()): x is the value of f(), or returns its error.
#define ATTNC_TRY(declaration, ...)                      \
  auto ATTNC_CONCAT(attncTry, __LINE__) = (__VA_ARGS__); \
  if (!ATTNC_CONCAT(attncTry, __LINE__))                 \
    return ATTNC_CONCAT(attncTry, __LINE__).takeError(); \
  declaration = std::move(*ATTNC_CONCAT(attncTry, __LINE__))
