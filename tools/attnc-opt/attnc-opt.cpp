// attnc-opt: runs passes on IR, as mlir-opt does, with every dialect, pass and pipeline of attnc.
#include "attnc/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  attnc::registerPasses();
  mlir::DialectRegistry registry;
  attnc::registerEveryDialect(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "attnc-opt\n", registry));
}
