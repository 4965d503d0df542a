// Owns the precompiled header (see AttncLibrary.cmake); holds no code.
