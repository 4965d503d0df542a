#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attnc {

/// Links one relocatable object to an ELF shared object; an undefined symbol is an error.
llvm::Expected<std::string> linkSharedObject(llvm::StringRef object);

} // namespace attnc
