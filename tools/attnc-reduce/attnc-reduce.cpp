// attnc-reduce: makes a program that shows a problem smaller, as mlir-reduce does, with every dialect and pass of attnc. A script
// says whether the problem is still there (tools/attnc-reduce/still-shows).
#include "attnc/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  attnc::registerPasses();
  mlir::DialectRegistry registry;
  attnc::registerEveryDialect(registry);
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
