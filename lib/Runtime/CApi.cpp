// The C interface: checks pointers and struct sizes, translates types, keeps messages, and lets no
// exception out (the standard library may throw when memory runs out).
#include "Session.h"
#include "attnc-c/Runtime.h"
#include <algorithm>
#include <cstring>
#include <new>

using namespace attnc;

struct attnc_package {
  std::shared_ptr<const LoadedPackage> loaded;
  std::vector<const Function *> entries; // functions that may be run
  // What attnc_package_tensor hands out, for each list: of each entry, or of the package.
  struct Infos {
    std::vector<std::vector<attnc_dim>> shapes;
    std::vector<attnc_tensor_info> tensors;
  };
  std::vector<Infos> inputs, outputs;
  Infos states, weights;
};

struct attnc_session {
  std::unique_ptr<Session> session;
  std::shared_ptr<const LoadedPackage> package;
  // Kept between calls, so that a call allocates nothing.
  std::vector<InputRef> inputs;
  std::vector<OutputRef> outputs;
};

namespace {

constexpr const char *busyMessage = "the session is in use by another thread: a session runs one call at a time";
thread_local std::string lastMessage;
thread_local const attnc_session *lastBusy = nullptr; // the session this thread's last call found in use

attnc_status statusOf(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::Argument: return ATTNC_ERROR_ARGUMENT;
  case ErrorKind::File: return ATTNC_ERROR_FILE;
  case ErrorKind::Format: return ATTNC_ERROR_FORMAT;
  case ErrorKind::Unsupported: return ATTNC_ERROR_UNSUPPORTED;
  case ErrorKind::Memory: return ATTNC_ERROR_MEMORY;
  case ErrorKind::Busy: return ATTNC_ERROR_BUSY;
  case ErrorKind::Cancelled: return ATTNC_ERROR_CANCELLED;
  case ErrorKind::StepLimit: return ATTNC_ERROR_STEP_LIMIT;
  case ErrorKind::Internal: break;
  }
  return ATTNC_ERROR_INTERNAL;
}

Error argumentError(const char *message) { return {ErrorKind::Argument, message}; }

/// Runs `body`; whatever it throws becomes an error.
template <class Body> Status guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return makeError(ErrorKind::Memory, "not enough memory");
  } catch (const std::exception &problem) {
    return makeError(ErrorKind::Internal, "unexpected: ", problem.what());
  }
}

template <class Body> attnc_status withoutSession(Body body) {
  Status status = guarded(body);
  if (status)
    return ATTNC_OK;
  lastMessage = status.error().message;
  return statusOf(status.error().kind);
}

/// One call at a time on a session.
template <class Body> attnc_status onSession(attnc_session *s, Body body) {
  if (!s)
    return ATTNC_ERROR_ARGUMENT;
  lastBusy = nullptr;
  if (s->session->inUse.test_and_set(std::memory_order_acquire)) {
    lastBusy = s;
    return ATTNC_ERROR_BUSY;
  }
  Status status = guarded(body);
  attnc_status code = status ? ATTNC_OK : statusOf(status.error().kind);
  if (status)
    s->session->message.clear(); // the last call had nothing to say
  else
    s->session->message = status.takeError().message;
  s->session->inUse.clear(std::memory_order_release);
  return code;
}

/// A struct of the caller, who may know fewer or more fields than we do.
template <class T> Expected<T> readStruct(const T *given) {
  T out{};
  if (!given)
    return out;
  if (given->size < sizeof(size_t))
    return argumentError("a struct's size is not set");
  std::memcpy(static_cast<void *>(&out), given, std::min(given->size, sizeof(T)));
  return out;
}

DLDataType dlpackType(DType type) {
  uint8_t code = kDLInt;
  if (type == DType::BF16)
    code = kDLBfloat;
  else if (isFloat(type))
    code = kDLFloat;
  else if (type == DType::U8)
    code = kDLUInt;
  else if (type == DType::I1)
    code = kDLBool;
  return {code, uint8_t(dtypeSize(type) * 8), 1};
}

Expected<TensorRef> readTensor(const char *name, const DLTensor *t) {
  auto bad = [&](const char *why) { return makeError(ErrorKind::Argument, "the tensor for '", name, "' ", why); };
  if (!t)
    return bad("is null");
  if (t->device.device_type != kDLCPU)
    return bad("is not on the CPU");
  if (t->ndim < 0 || size_t(t->ndim) > maxRank || (t->ndim && !t->shape))
    return bad("has an impossible shape");
  for (int i = 0; i < dtypeCount; ++i) {
    DLDataType type = dlpackType(DType(i));
    if (type.code == t->dtype.code && type.bits == t->dtype.bits && t->dtype.lanes == 1)
      return TensorRef{DType(i), t->ndim, t->shape, t->strides,
                       t->data ? static_cast<std::byte *>(t->data) + t->byte_offset : nullptr};
  }
  return bad("has an element type that attnc does not know");
}

/// A result that belongs to the caller: the DLPack struct, its shape and the memory in one object.
struct Result {
  DLManagedTensor managed;
  Tensor tensor;
  int64_t shape[maxRank];
};

DLManagedTensor *makeResult(Tensor tensor) {
  auto *out = new Result{{}, std::move(tensor), {}};
  const Shape &shape = out->tensor.shape();
  std::copy(shape.begin(), shape.end(), out->shape);
  out->managed.dl_tensor = {out->tensor.mutableData(), {kDLCPU, 0}, int32_t(shape.size()), dlpackType(out->tensor.dtype()), out->shape, nullptr, 0};
  out->managed.manager_ctx = out;
  out->managed.deleter = [](DLManagedTensor *self) { delete static_cast<Result *>(self->manager_ctx); };
  return &out->managed;
}

void addInfo(attnc_package::Infos &infos, const std::string &name, DType type, std::vector<attnc_dim> shape) {
  infos.shapes.push_back(std::move(shape));
  auto &kept = infos.shapes.back();
  infos.tensors.push_back({sizeof(attnc_tensor_info), name.c_str(), dlpackType(type), int32_t(kept.size()), kept.data()});
}

void addInfo(attnc_package::Infos &infos, const TensorDecl &t) {
  std::vector<attnc_dim> shape;
  for (auto &dim : t.shape)
    shape.push_back({dim.isStatic() ? dim.value : -1, dim.isStatic() ? nullptr : dim.name.c_str(),
                     dim.kind == Dim::Kind::Capacity});
  addInfo(infos, t.name, t.dtype, std::move(shape));
}

attnc_package::Infos infosOf(const std::vector<TensorDecl> &tensors) {
  attnc_package::Infos out;
  for (auto &t : tensors)
    addInfo(out, t);
  return out;
}

void describe(attnc_package &p) {
  const Manifest &m = p.loaded->manifest();
  for (auto &f : m.functions) {
    if (f.kind != Function::Kind::Entry)
      continue;
    p.entries.push_back(&f);
    p.inputs.push_back(infosOf(f.inputs));
    p.outputs.push_back(infosOf(f.outputs));
  }
  for (auto &state : m.states)
    addInfo(p.states, state);
  for (auto &w : m.weights) {
    std::vector<attnc_dim> shape;
    for (int64_t dim : w.shape)
      shape.push_back({dim, nullptr, 0});
    addInfo(p.weights, w.name, w.dtype, std::move(shape));
  }
}

const attnc_package::Infos *infosOf(const attnc_package *p, attnc_list list, size_t function) {
  if (!p)
    return nullptr;
  if (list == ATTNC_STATES)
    return &p->states;
  if (list == ATTNC_WEIGHTS)
    return &p->weights;
  if (function >= p->entries.size() || (list != ATTNC_INPUTS && list != ATTNC_OUTPUTS))
    return nullptr;
  return list == ATTNC_INPUTS ? &p->inputs[function] : &p->outputs[function];
}

} // namespace

const char *attnc_version(void) { return ATTNC_VERSION; }
const char *attnc_last_message(void) { return lastMessage.c_str(); }

attnc_status attnc_package_open(const char *path, const attnc_open_options *options, attnc_package **package) {
  return withoutSession([&]() -> Status {
    if (!path || !package)
      return argumentError("attnc_package_open needs a path and a place for the package");
    *package = nullptr;
    ATTNC_TRY(attnc_open_options given, readStruct(options));
    OpenOptions open{given.cpu_level ? given.cpu_level : "", given.weights ? given.weights : ""};
    auto out = std::make_unique<attnc_package>();
    ATTNC_TRY(out->loaded, LoadedPackage::open(path, open));
    describe(*out);
    *package = out.release();
    return {};
  });
}

void attnc_package_close(attnc_package *package) { delete package; }

const char *attnc_package_level(const attnc_package *p) { return p ? p->loaded->level().c_str() : nullptr; }
const char *attnc_package_name(const attnc_package *p) { return p ? p->loaded->manifest().name.c_str() : nullptr; }
const char *attnc_package_signature(const attnc_package *p) { return p ? p->loaded->signature().c_str() : nullptr; }

size_t attnc_package_function_count(const attnc_package *p) { return p ? p->entries.size() : 0; }

const char *attnc_package_function_name(const attnc_package *p, size_t function) {
  return p && function < p->entries.size() ? p->entries[function]->name.c_str() : nullptr;
}

size_t attnc_package_tensor_count(const attnc_package *p, attnc_list list, size_t function) {
  auto *infos = infosOf(p, list, function);
  return infos ? infos->tensors.size() : 0;
}

attnc_status attnc_package_tensor(const attnc_package *p, attnc_list list, size_t function, size_t index,
                                  attnc_tensor_info *info) {
  return withoutSession([&]() -> Status {
    auto *infos = infosOf(p, list, function);
    if (!infos || index >= infos->tensors.size() || !info || info->size < sizeof(size_t))
      return argumentError("there is no such tensor, or the info's size is not set");
    size_t size = info->size;
    std::memcpy(static_cast<void *>(info), &infos->tensors[index], std::min(size, sizeof *info));
    info->size = size;
    return {};
  });
}

attnc_status attnc_session_create(const attnc_package *package, const attnc_session_options *options,
                                  attnc_session **session) {
  return withoutSession([&]() -> Status {
    if (!package || !session)
      return argumentError("attnc_session_create needs a package and a place for the session");
    *session = nullptr;
    ATTNC_TRY(attnc_session_options given, readStruct(options));
    std::vector<Capacity> capacities;
    for (size_t i = 0; i < given.capacity_count; ++i) {
      if (!given.capacities || !given.capacities[i].name)
        return argumentError("a capacity has no name");
      capacities.push_back({given.capacities[i].name, given.capacities[i].value});
    }
    auto out = std::make_unique<attnc_session>();
    out->package = package->loaded;
    ATTNC_TRY(out->session, Session::create(package->loaded, capacities, given.threads));
    *session = out.release();
    return {};
  });
}

void attnc_session_destroy(attnc_session *session) {
  if (lastBusy == session)
    lastBusy = nullptr;
  delete session;
}

const char *attnc_session_message(const attnc_session *s) {
  if (!s)
    return "there is no session";
  return lastBusy == s ? busyMessage : s->session->message.c_str();
}

attnc_status attnc_session_run(attnc_session *s, const char *function, const attnc_input *inputs, size_t input_count,
                               attnc_output *outputs, size_t output_count, const attnc_run_options *options) {
  return onSession(s, [&]() -> Status {
    if (!function || (input_count && !inputs) || (output_count && !outputs))
      return argumentError("a null pointer was given for the function, its inputs or its outputs");
    ATTNC_TRY(attnc_run_options given, readStruct(options));
    s->inputs.clear();
    s->outputs.clear();
    for (size_t i = 0; i < output_count; ++i)
      outputs[i].result = nullptr;
    for (size_t i = 0; i < input_count; ++i) {
      if (!inputs[i].name)
        return argumentError("an input has no name");
      ATTNC_TRY(TensorRef tensor, readTensor(inputs[i].name, inputs[i].tensor));
      s->inputs.push_back({inputs[i].name, tensor});
    }
    for (size_t i = 0; i < output_count; ++i) {
      if (!outputs[i].name)
        return argumentError("an output has no name");
      s->outputs.push_back({outputs[i].name, std::nullopt, {}});
      if (outputs[i].tensor) {
        ATTNC_TRY(s->outputs.back().into, readTensor(outputs[i].name, outputs[i].tensor));
      }
    }
    RunControl control{given.cancel, given.step_limit};
    if (given.step_limit < 0)
      return argumentError("the step limit is negative");
    ATTNC_CHECK(s->session->run(function, s->inputs, s->outputs, control));
    for (size_t i = 0; i < output_count; ++i)
      if (!outputs[i].tensor)
        outputs[i].result = makeResult(std::move(s->outputs[i].result));
    return {};
  });
}

attnc_status attnc_session_reset(attnc_session *s) {
  return onSession(s, [&]() -> Status {
    s->session->reset();
    return {};
  });
}

attnc_status attnc_session_save(attnc_session *s, const char *path) {
  return onSession(s, [&]() -> Status {
    if (!path)
      return argumentError("a path is needed");
    ATTNC_TRY(AtomicFile file, AtomicFile::create(path));
    ATTNC_CHECK(s->session->save(file));
    return file.commit();
  });
}

attnc_status attnc_session_restore(attnc_session *s, const char *path) {
  return onSession(s, [&]() -> Status {
    if (!path)
      return argumentError("a path is needed");
    return s->session->restore(path);
  });
}
