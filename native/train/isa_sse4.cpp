#define PELLUCID_SET sse4
#define PELLUCID_WIDTH 4
#define PELLUCID_NAME "sse4"
#include "isa.h"
