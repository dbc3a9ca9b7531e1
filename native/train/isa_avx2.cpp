#define PELLUCID_SET avx2
#define PELLUCID_WIDTH 8
#define PELLUCID_NAME "avx2"
#include "isa.h"
