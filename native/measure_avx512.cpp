#define PELLUCID_SET measure_avx512
#define PELLUCID_WIDTH 16
#define PELLUCID_NAME "avx512"
#define PELLUCID_SUMS 24
#include "measure_loops.h"
