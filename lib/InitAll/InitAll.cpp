// What attnc's tools know. The only place that names every room.
#include "attnc/InitAll.h"

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Attnc/Attnc.h"
#include "attnc/Dialect/Loop/Loop.h"

void attnc::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<AttncDialect, attn::AttnDialect, loop::LoopDialect>();
}

void attnc::registerPasses() {}
