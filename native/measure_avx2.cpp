#define PELLUCID_SET measure_avx2
#define PELLUCID_WIDTH 8
#define PELLUCID_NAME "avx2"
#define PELLUCID_SUMS 12
#include "measure_loops.h"
