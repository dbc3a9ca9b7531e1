#define PELLUCID_SET measure_neon
#define PELLUCID_WIDTH 4
#define PELLUCID_NAME "neon"
#define PELLUCID_SUMS 24
#include "measure_loops.h"
