#define PELLUCID_SET measure_sse4
#define PELLUCID_WIDTH 4
#define PELLUCID_NAME "sse4"
#define PELLUCID_SUMS 12
#include "measure_loops.h"
