// libattnc_runtime.so is the static library as a whole.
