// A caller of the C interface, as short as tests want it.
#pragma once

#include "Check.h"
#include "attnc-c/Runtime.h"
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>

inline std::string folder; // of the fake packages

template <class T> constexpr DLDataType dlpackType() {
  return {uint8_t(std::is_floating_point_v<T> ? kDLFloat : kDLInt), uint8_t(sizeof(T) * 8), 1};
}

/// A tensor of the caller; `shift` bytes off the 64-byte boundary.
template <class T> struct Array {
  std::vector<int64_t> shape, strides;
  std::unique_ptr<std::byte, void (*)(void *)> memory;
  DLTensor dl;

  Array(std::vector<int64_t> shape_, std::vector<T> values = {}, size_t shift = 0)
      : shape(std::move(shape_)), memory(nullptr, std::free) {
    size_t count = 1;
    for (auto dim : shape)
      count *= size_t(dim);
    values.resize(count);
    memory.reset(static_cast<std::byte *>(std::aligned_alloc(64, (count * sizeof(T) + shift + 64) / 64 * 64)));
    if (count) // an empty vector's data may be null
      std::memcpy(memory.get() + shift, values.data(), count * sizeof(T));
    dl = {memory.get() + shift, {kDLCPU, 0}, int32_t(shape.size()), dlpackType<T>(), shape.data(), nullptr, 0};
  }
  T *data() { return reinterpret_cast<T *>(static_cast<std::byte *>(dl.data) + dl.byte_offset); }
};

struct Package {
  attnc_package *handle = nullptr;
  attnc_status status;
  explicit Package(const std::string &name, const char *level = nullptr, const char *weights = nullptr) {
    attnc_open_options options{sizeof options, level, weights};
    status = attnc_package_open((folder + "/" + name).c_str(), &options, &handle);
  }
  ~Package() { attnc_package_close(handle); }
};

struct Session {
  attnc_session *handle = nullptr;
  attnc_status status;
  Session(const Package &package, std::vector<attnc_capacity> capacities = {}) {
    attnc_session_options options{sizeof options, capacities.data(), capacities.size(), 0};
    status = attnc_session_create(package.handle, &options, &handle);
  }
  ~Session() { attnc_session_destroy(handle); }

  attnc_status run(const char *function, std::vector<attnc_input> inputs, std::vector<attnc_output> outputs = {},
                   int64_t limit = 0, const volatile int32_t *cancel = nullptr) {
    attnc_run_options options{sizeof options, cancel, limit};
    return attnc_session_run(handle, function, inputs.data(), inputs.size(), outputs.data(), outputs.size(), &options);
  }
  std::string message() const { return attnc_session_message(handle); }
};
