#define PELLUCID_SET avx512
#define PELLUCID_WIDTH 16
#define PELLUCID_NAME "avx512"
#include "isa.h"
