// Training: what Python sees of it.
#pragma once
#include <nanobind/nanobind.h>

namespace pellucid::train {

void bind(nanobind::module_& module);

}  // namespace pellucid::train
