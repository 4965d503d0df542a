// Which of a package's CPU levels this machine can run.
#pragma once

#include "attnc/Package/Manifest.h"

namespace attnc {

/// The best level of `code` that this CPU has, or `forced` (empty: not forced) if it has that.
Expected<const CodeFile *> chooseLevel(const std::vector<CodeFile> &code, std::string_view forced);

} // namespace attnc
