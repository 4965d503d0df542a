// random-programs: random attn/loop/linalg modules through the reference interpreter and the pipeline, in one
// process, on the same inputs.
//
// A program whose closest decision is nearer than 1e-4 to its threshold gets other inputs, as an engine that
// rounds may decide it otherwise. Programs run in worker processes, so that one that crashes is one that fails.
#include "Session.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

namespace cl = llvm::cl;
using namespace attnc::fuzz;

namespace {

cl::opt<uint64_t> count("count", cl::desc("How many programs"), cl::init(400));
cl::opt<uint64_t> first("first", cl::desc("Seed of the first"), cl::init(0));
cl::opt<uint64_t> seed("seed", cl::desc("Run one program, and show it if it fails"));
cl::opt<std::string> text("text", cl::desc("With --seed: the program of a file, with the same arguments, instead"), cl::value_desc("FILE"));
cl::opt<bool> show("show", cl::desc("With --seed: print the program"));
cl::opt<unsigned> jobs("jobs", cl::desc("Worker processes"), cl::init(2));
cl::opt<unsigned> cases("cases", cl::desc("Draws of sizes and inputs for each program"), cl::init(3));
cl::opt<bool> coverage("coverage", cl::desc("Print what the programs had, and fail where 400 had a row less than 20 times"));
cl::opt<std::string> plant("plant", cl::desc("Put this fault (or all) into programs until one shows it"), cl::value_desc("NAME|all"));
cl::opt<std::string> keep("keep", cl::desc("Folder for programs that fail"), cl::value_desc("DIR"));

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "random programs through the reference and the pipeline\n");
  RunSettings settings{cases, keep};
  if (!plant.empty())
    return runPlants(first, count, plant == "all" ? std::string() : std::string(plant), settings);
  if (seed.getNumOccurrences())
    return runOne(seed, settings, show, text);
  return runMany(first, count, jobs, settings, coverage);
}
