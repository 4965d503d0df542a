// A look at a shared object before the dynamic loader is trusted with it.
#pragma once

#include "attnc/Support/Expected.h"
#include <cstddef>
#include <span>

namespace attnc {

/// The object keeps the promises of KernelAbi.h: this machine's ELF, segments inside the file, no
/// needed library, nothing that runs at load, no undefined symbol, no thread-local storage.
Status checkSharedObject(std::span<const std::byte> object);

} // namespace attnc
